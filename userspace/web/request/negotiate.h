/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selects format and encoding from Accept and Accept-Encoding, as Prometheus's Go library does. The
 * highest q wins, the first of equals. If nothing matches, the format is text 0.0.4. A wildcard
 * does not select OpenMetrics.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/exposition/exposition.h"

/* Zero-initialise; then add each header field of the request, in order. */
struct wishes {
	enum exposition_format format;
	unsigned int format_q; /* weights in thousandths */
	unsigned int gzip_q, identity_q, other_q;
	bool gzip_named, identity_named, other_named;
};

void wishes_accept(struct wishes *wishes, const char *value, size_t size);
void wishes_encoding(struct wishes *wishes, const char *value, size_t size);

/* Whether to compress the response. */
bool wishes_gzip(const struct wishes *wishes);
