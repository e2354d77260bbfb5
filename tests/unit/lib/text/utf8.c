// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "lib/text/utf8.h"

/* A second opinion: decode, then judge the number (RFC 3629, section 4). */
static size_t decode_length(const unsigned char *s, size_t size)
{
	static const uint32_t MIN[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length;
	uint32_t c;

	if (!size)
		return 0;
	length = s[0] < 0x80		 ? 1
		 : (s[0] & 0xe0) == 0xc0 ? 2
		 : (s[0] & 0xf0) == 0xe0 ? 3
		 : (s[0] & 0xf8) == 0xf0 ? 4
					 : 0;
	if (!length || length > size)
		return 0;
	c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < MIN[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : length;
}

Test(utf8, each_start_of_four_bytes)
{
	static const unsigned char TAILS[] = { 0x00, 0x41, 0x7f, 0x80, 0xa3, 0xbf, 0xc0, 0xff };
	unsigned char s[4];

	for (unsigned int first = 0; first < 0x10000; first++)
		for (size_t i = 0; i < sizeof(TAILS) * sizeof(TAILS); i++) {
			s[0] = (unsigned char)(first >> 8);
			s[1] = (unsigned char)first;
			s[2] = TAILS[i / sizeof(TAILS)];
			s[3] = TAILS[i % sizeof(TAILS)];
			for (size_t size = 0; size <= sizeof(s); size++)
				if (utf8_length((char *)s, size) != decode_length(s, size))
					cr_assert_fail("%02x %02x %02x %02x, %zu bytes: %zu", s[0],
						       s[1], s[2], s[3], size,
						       utf8_length((char *)s, size));
		}
}

Test(utf8, reads_not_beyond_its_size)
{
	char *one = malloc(1); /* the sanitizer finds reads after it */

	*one = '\xf0';
	cr_expect_eq(utf8_length(one, 1), 0);
	cr_expect_eq(utf8_length(one, 0), 0);
	free(one);
}
