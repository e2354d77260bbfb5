/* SPDX-License-Identifier: Apache-2.0 */
/* From numbers to an SVG path: relative and in whole units, so that it is short. */
#pragma once

#include <stdint.h>

#include "lib/text/text.h"

struct chart {
	unsigned int count;	   /* of values */
	unsigned int step, height; /* units from value to value; from 0 up to `top` */
	double top;		   /* what reaches the upper edge; 0: nothing does */
};

/*
 * Appends the d of a path through the last `known` values of all; y grows downwards, so 0 is at
 * `height`. Closed: down to 0 at both ends, to be filled.
 */
void chart_path(struct text *out, const struct chart *chart, const double *values,
		unsigned int known, bool closed);

/* A number that is at least the highest, and easy to read: a few times a power of ten; 0 for 0. */
double chart_top(double highest);
