/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which format and which encoding a client wants, from Accept and Accept-Encoding. As Prometheus's
 * own Go library judges them: the highest q wins, the first of equals, text 0.0.4 where nothing
 * fits; a wildcard is no wish for OpenMetrics.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/exposition/exposition.h"

/* Zero-initialise; then each field of the request is added in its order. */
struct wishes {
	enum exposition_format format;
	unsigned int format_q; /* of 1000 */
	unsigned int gzip_q, identity_q, other_q;
	bool gzip_named, identity_named, other_named;
};

void wishes_accept(struct wishes *wishes, const char *value, size_t size);
void wishes_encoding(struct wishes *wishes, const char *value, size_t size);

/* Whether the answer should be compressed. */
bool wishes_gzip(const struct wishes *wishes);
