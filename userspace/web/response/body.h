/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a response, shared by all scrapes that get it, and reused for the next one when all
 * are sent.
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
 * Empties *kept, or replaces it with a new body if the old one is still being sent. *kept itself
 * counts as a user. Returns *kept; NULL: out of memory, *kept is unchanged.
 */
struct body *body_renew(struct body **kept);

/* Adds and removes a user; the last one frees the body. body_release accepts NULL. */
struct body *body_use(struct body *body);
void body_release(struct body *body);

/* A compressor whose memory is reused for the next text. Zero-initialise. */
struct gzip {
	z_stream stream;
	bool ready;
};

/* Appends the text as one gzip member. Returns 0 or -ENOMEM. */
int gzip_write(struct gzip *gzip, struct text *out, const struct text *from);

void gzip_free(struct gzip *gzip);
