// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/web/request/scrape_options.c: the input has one argument a line. Accepted arguments
 * select only enabled collectors. A refusal has one printable error line.
 */
#include "fuzz.h"

#include "lib/config/config.h"
#include "web/request/scrape_options.h"

#define ON (COLLECTOR_DEFAULT)

static int argument_take(struct collect *collect, const char *line, size_t size)
{
	const char *equals = memchr(line, '=', size);
	size_t key_size = equals ? (size_t)(equals - line) : size,
	       value_size = equals ? size - key_size - 1 : 0;
	char *key = fuzz_copy(line, key_size),
	     *value = equals ? fuzz_copy(equals + 1, value_size) : NULL;
	int r = collect_argument(collect, key, key_size, value, value_size);

	free(key);
	free(value);
	return r;
}

static void check_refusal(const struct collect *collect)
{
	size_t length = strlen(collect->why);

	CHECK(length > 10 && length < sizeof(collect->why), "%zu", length);
	for (size_t i = 0; i < length; i++)
		CHECK(i == length - 1 ? collect->why[i] == '\n'
				      : collect->why[i] >= ' ' && collect->why[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collect collect = { .on = ON };
	int r = 0;

	for (size_t at = 0; at < size && !r;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t length = end ? (size_t)(end - data) - at : size - at;

		r = argument_take(&collect, (const char *)data + at, length);
		at += length + 1;
	}
	if (r) {
		check_refusal(&collect);
		return 0;
	}
	CHECK(!collect.why[0], "%s", collect.why);
	CHECK(!(collect_mask(&collect) & ~ON), "%x", collect_mask(&collect));
	CHECK(!collect.wanted || collect_mask(&collect) == collect.wanted);
	CHECK(!(collect_mask(&collect) & collect.excluded));
	return 0;
}
