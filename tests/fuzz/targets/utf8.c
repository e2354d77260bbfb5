// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/lib/text/utf8.h against a decoder of another build: the character's number first, then
 * whether it may be.
 */
#include "fuzz.h"

#include "lib/text/utf8.h"

static size_t expected(const uint8_t *s, size_t size)
{
	static const uint32_t SMALLEST[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = s[0] < 0x80	  ? 1
			: s[0] >> 5 == 6  ? 2
			: s[0] >> 4 == 14 ? 3
			: s[0] >> 3 == 30 ? 4
					  : 0;
	uint32_t number = length == 1 ? s[0] : s[0] & (0x7fu >> length);

	if (!length || size < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		number = number << 6 | (s[i] & 63u);
	}
	if (number < SMALLEST[length] || number > 0x10ffff ||
	    (number >= 0xd800 && number <= 0xdfff))
		return 0;
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CHECK(utf8_length((const char *)data, 0) == 0);
	for (size_t at = 0; at < size; at++) {
		size_t left = size - at < 4 ? size - at : 4, got, want = expected(data + at, left);
		char *copy = fuzz_copy(data + at, left);

		got = utf8_length(copy, left);
		free(copy);
		CHECK(got == want, "byte %zu: %zu, not %zu", at, got, want);
	}
	return 0;
}
