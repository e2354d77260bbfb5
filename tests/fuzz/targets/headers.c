// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/web/request/negotiate.c and userspace/web/auth/basic.c: each line of the input begins
 * with the letter of its header: A for Accept, E for Accept-Encoding, B for Authorization. Results
 * are within their bounds. Several fields mean the same as one list.
 */
#include "fuzz.h"

#include "web/auth/basic.h"
#include "web/request/negotiate.h"

static void check_basic(const char *line, size_t size)
{
	char *header = fuzz_string(line, size);
	struct basic basic;

	memset(&basic, 0xa5, sizeof(basic));
	if (!basic_parse(&basic, header)) {
		CHECK(memchr(basic.user, '\0', sizeof(basic.user)) && !strchr(basic.user, ':'));
		CHECK(memchr(basic.password, '\0', sizeof(basic.password)));
		CHECK(strlen(basic.user) + strlen(basic.password) + 1 <= size / 4 * 3);
	}
	free(header);
}

static void check_wishes(struct wishes *wishes, char what, const char *line, size_t size)
{
	char *header = fuzz_copy(line, size);

	if (what == 'A')
		wishes_accept(wishes, header, size);
	else
		wishes_encoding(wishes, header, size);
	CHECK(wishes->format < EXPOSITION_FORMATS && wishes->format_q <= 1000);
	CHECK(wishes->gzip_q <= 1000 && wishes->identity_q <= 1000 && wishes->other_q <= 1000);
	CHECK(wishes->format == EXPOSITION_TEXT || wishes->format_q,
	      "OpenMetrics that nobody wanted");
	CHECK(!wishes_gzip(wishes) || wishes->gzip_named || wishes->other_named,
	      "gzip that nobody wanted");
	free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wishes wishes = { 0 };

	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t length = end ? (size_t)(end - data) - at : size - at;
		const char *line = (const char *)data + at;

		if (length && *line == 'B')
			check_basic(line + 1, length - 1);
		else if (length)
			check_wishes(&wishes, *line, line + 1, length - 1);
		at += length + 1;
	}
	return 0;
}
