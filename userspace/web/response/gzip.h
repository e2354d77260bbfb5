/* SPDX-License-Identifier: Apache-2.0 */
/* One text compressed at a time, in memory that is kept for the next. */
#pragma once

#include <stdbool.h>
#include <zlib.h>

#include "lib/text/text.h"

/* Zero-initialise. */
struct gzip {
	z_stream stream;
	bool ready;
};

/* Appends the text as one gzip member. Returns 0 or -ENOMEM. */
int gzip_write(struct gzip *gzip, struct text *out, const struct text *from);

void gzip_free(struct gzip *gzip);
