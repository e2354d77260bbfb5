/* SPDX-License-Identifier: Apache-2.0 */
/* Turns values into an SVG path, with relative coordinates in whole units to keep it short. */
#pragma once

#include <stdint.h>

#include "lib/text/text.h"

struct chart {
	unsigned int count;	   /* number of values */
	unsigned int step, height; /* SVG units: between two values; from 0 up to `top` */
	double top;		   /* the value at the upper edge; 0: all values are drawn as 0 */
};

/*
 * Appends the `d` attribute of a path through the last `known` of the `count` values. y grows
 * downwards, so the value 0 is at `height`. `closed`: the path goes down to 0 at both ends, for a
 * filled area.
 */
void chart_path(struct text *out, const struct chart *chart, const double *values,
		unsigned int known, bool closed);

/*
 * Returns 0 for 0, else the smallest round number that is at least `highest`. A round number is a
 * power of ten times one of 1, 1.5, 2, 3, 4, 5, 6, 8.
 */
double chart_top(double highest);
