/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of text that the program derived from foreign bytes. */
#pragma once

#include "fuzz.h"
#include "lib/text/utf8.h"

static inline int text_is_utf8(const char *text, size_t size)
{
	for (size_t at = 0, length; at < size; at += length) {
		length = utf8_length(text + at, size - at);
		if (!length)
			return 0;
	}
	return 1;
}

/*
 * Whether a terminal would take the character at `text` (which may be the NUL behind it) for a
 * command: C0, DEL, C1.
 */
static inline int text_is_control(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0);
}

/* The text with U+FFFD for each byte that is not UTF-8; the caller frees it. */
static inline char *text_repaired(const char *text)
{
	size_t size = strlen(text), used = 0;
	char *to = malloc(3 * size + 1);

	for (size_t at = 0; at < size;) {
		size_t length = utf8_length(text + at, size - at);

		memcpy(to + used, length ? text + at : UTF8_REPLACEMENT, length ? length : 3);
		used += length ? length : 3;
		at += length ? length : 1;
	}
	to[used] = '\0';
	return to;
}
