/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises well-formed UTF-8 (RFC 3629). */
#pragma once

#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Returns the length of the well-formed character at `text`, which has `size` readable bytes; 0 if
 * there is none.
 */
static inline size_t utf8_length(const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	/*
	 * Range of the second byte: excludes overlong forms, surrogates and values above U+10FFFF
	 */
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (!size)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (size < length || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}
