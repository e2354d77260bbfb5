/* SPDX-License-Identifier: Apache-2.0 */
/* A text of lines in a fixed buffer: what does not fit is counted and told in the last line. */
#pragma once

#include <stddef.h>

struct lines {
	char *bytes;
	size_t size, length;
	unsigned int omitted; /* lines */
};

/* Adds a line (without its end). Control characters become '?': a name must not forge a line. */
__attribute__((format(printf, 2, 3))) void lines_add(struct lines *lines, const char *format, ...);

/* Adds "… and N more" when lines were left out; room for it was kept. */
void lines_end(struct lines *lines);
