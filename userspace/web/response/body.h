/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an answer, shared by all scrapes that get the same one and kept for the next when
 * nobody reads it any more.
 */
#pragma once

#include <stdbool.h>
#include <zlib.h>

#include "lib/text/text.h"

struct body {
	struct text text;
	unsigned int users;
};

/*
 * Empties *kept, or puts a new body in its place when somebody still reads the old one. Returns
 * *kept, whose user is the caller; NULL without memory.
 */
struct body *body_renew(struct body **kept);

struct body *body_use(struct body *body);
void body_release(struct body *body);

/* One text compressed at a time, in memory that is kept for the next. */

/* Zero-initialise. */
struct gzip {
	z_stream stream;
	bool ready;
};

/* Appends the text as one gzip member. Returns 0 or -ENOMEM. */
int gzip_write(struct gzip *gzip, struct text *out, const struct text *from);

void gzip_free(struct gzip *gzip);
