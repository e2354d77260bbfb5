/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of text in a fixed buffer. Lines that do not fit are counted in a last line. */
#pragma once

#include <stddef.h>

struct lines {
	char *bytes;
	size_t size, length;
	unsigned int omitted; /* lines that did not fit */
};

/*
 * Adds a line; the format has no line end. Control characters become '?', so that a name cannot
 * forge a line.
 */
__attribute__((format(printf, 2, 3))) void lines_add(struct lines *lines, const char *format, ...);

/* Adds "and N more" if lines were omitted. */
void lines_end(struct lines *lines);
