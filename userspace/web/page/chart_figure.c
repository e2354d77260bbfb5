// SPDX-License-Identifier: Apache-2.0
#include "web/page/chart.h"
#include "web/page/html.h"
#include "web/page/view.h"

#define WIDTH_STEP 4
#define HEIGHT 64
#define PER_MINUTE (60.0 / SNAPSHOT_STEP_SECONDS)

typedef void value_words(struct text *out, double value);

static void rate_words(struct text *out, double value)
{
	html_number(out, value);
}

static void bytes_words(struct text *out, double value)
{
	html_bytes(out, value);
	text_puts(out, "/s");
}

struct extent {
	double now, least, most;
};

static struct extent extent_of(const double *values, unsigned int known)
{
	struct extent e = { .now = values[SNAPSHOT_STEPS - 1],
			    .least = values[SNAPSHOT_STEPS - 1] };

	for (unsigned int i = SNAPSHOT_STEPS - known; i < SNAPSHOT_STEPS; i++) {
		e.least = values[i] < e.least ? values[i] : e.least;
		e.most = values[i] > e.most ? values[i] : e.most;
	}
	return e;
}

static void extent_words(struct text *out, const struct extent *e, value_words *words)
{
	text_puts(out, "now <b>");
	words(out, e->now);
	text_puts(out, "</b>, lowest ");
	words(out, e->least);
	text_puts(out, ", highest ");
	words(out, e->most);
}

static void path_write(struct text *out, const struct chart *chart, const double *values,
		       unsigned int known, const char *class, bool closed)
{
	text_printf(out, "<path class=%s d=\"", class);
	chart_path(out, chart, values, known, closed);
	text_puts(out, "\"/>");
}

struct figure {
	const char *title;
	const double *values;
	const double *failed; /* the failed part of the values, drawn over them; NULL: none */
	unsigned int known;
	value_words *words;
};

static void plot_write(struct text *out, const struct figure *f, const struct chart *chart,
		       bool any_failed)
{
	int width = (SNAPSHOT_STEPS - 1) * WIDTH_STEP;

	text_puts(out, "<div class=plot><span>");
	f->words(out, chart->top);
	text_printf(out,
		    "</span><svg viewBox=\"0 -1 %d %d\" preserveAspectRatio=none "
		    "aria-hidden=true><path class=grid "
		    "d=\"M0 0H%dM0 %dH%dM0 %dH%d\"/>",
		    width, HEIGHT + 2, width, HEIGHT / 2, width, HEIGHT, width);
	path_write(out, chart, f->values, f->known, "area", true);
	path_write(out, chart, f->values, f->known, "line", false);
	if (any_failed)
		path_write(out, chart, f->failed, f->known, "bad", true);
	text_puts(out, "</svg></div>\n<p class=ends><span>5 min ago</span><span>now</span></p>\n");
}

/*
 * The text below the chart has the same information: screen readers skip the chart (aria-hidden).
 */
static void figure_write(struct text *out, const struct figure *f)
{
	struct chart chart = { .count = SNAPSHOT_STEPS, .step = WIDTH_STEP, .height = HEIGHT };
	struct extent all = extent_of(f->values, f->known), failed = { 0 };

	if (f->failed)
		failed = extent_of(f->failed, f->known);
	chart.top = chart_top(all.most);
	text_printf(out, "<figure><figcaption>%s</figcaption>\n", f->title);
	if (!(chart.top > 0)) {
		text_puts(out, "<p class=dim>None in the last ");
		html_duration(out, f->known * SNAPSHOT_STEP_SECONDS);
		text_puts(out, "</p></figure>\n");
		return;
	}
	plot_write(out, f, &chart, failed.most > 0);
	text_puts(out, f->failed ? "<p>All: " : "<p>");
	extent_words(out, &all, f->words);
	if (failed.most > 0) {
		text_puts(out, "<br><span class=key>Failed</span>: ");
		extent_words(out, &failed, f->words);
	} else if (f->failed) {
		text_puts(out, "<br>Failed: none");
	}
	text_puts(out, "</p></figure>\n");
}

void charts_write(struct text *out, const struct page_proxy *p)
{
	const struct sample_history *h = p->history;
	double all[SNAPSHOT_STEPS], failed[SNAPSHOT_STEPS], received[SNAPSHOT_STEPS];

	if (!h || !h->known) {
		text_puts(out, h ? "<p class=dim>Charts appear after the first five seconds.</p>\n"
				 : "<p class=dim>No charts: --no-collector.compat is "
				   "set.</p>\n");
		return;
	}
	for (unsigned int i = 0; i < SNAPSHOT_STEPS; i++) {
		all[i] = ((double)h->successful[i] + h->failed[i]) * PER_MINUTE;
		failed[i] = (double)h->failed[i] * PER_MINUTE;
		received[i] = (double)h->received[i] / SNAPSHOT_STEP_SECONDS;
	}
	text_puts(out, "<div class=charts>\n");
	figure_write(out, &(struct figure){ "Completed requests per minute", all, failed, h->known,
					    rate_words });
	figure_write(out, &(struct figure){ "Received from the tunnel per second", received, NULL,
					    h->known, bytes_words });
	text_puts(out, "</div>\n");
}
