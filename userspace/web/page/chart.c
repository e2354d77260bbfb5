// SPDX-License-Identifier: Apache-2.0
#include "web/page/chart.h"

#include <math.h> /* isfinite */

static int height_of(const struct chart *c, double value)
{
	if (!(c->top > 0) || !(value > 0))
		return (int)c->height;
	if (value >= c->top)
		return 0;
	return (int)c->height - (int)(value / c->top * c->height + 0.5);
}

/* Writes one stroke for a run of equal values. */
static void level_write(struct text *out, unsigned int *level)
{
	if (*level)
		text_printf(out, "h%u", *level);
	*level = 0;
}

void chart_path(struct text *out, const struct chart *c, const double *values, unsigned int known,
		bool closed)
{
	unsigned int first, level = 0;
	int y;

	if (known > c->count)
		known = c->count;
	if (!known)
		return;
	first = c->count - known;
	y = height_of(c, values[first]);
	if (known == 1 && first) { /* a stroke, because a single point is invisible */
		first--;
		level = c->step;
	}
	text_printf(out, "M%u %d", first * c->step, closed ? (int)c->height : y);
	if (closed)
		text_printf(out, "V%d", y);
	for (unsigned int i = c->count - known + 1; i < c->count; i++) {
		int next = height_of(c, values[i]);

		if (next == y) {
			level += c->step;
			continue;
		}
		level_write(out, &level);
		text_printf(out, next < y ? "l%u%d" : "l%u %d", c->step, next - y);
		y = next;
	}
	level_write(out, &level);
	if (closed)
		text_printf(out, "V%uz", c->height);
}

double chart_top(double highest)
{
	static const double steps[] = { 1, 1.5, 2, 3, 4, 5, 6, 8 };
	double power = 1;

	if (!(highest > 0) || !isfinite(highest))
		return 0;
	while (power * 10 <= highest)
		power *= 10;
	while (power > highest)
		power /= 10;
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (steps[i] * power >= highest)
			return steps[i] * power;
	return power * 10;
}
