// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/discovery/environment.c, and naming_clean on what it finds, against a search
 * of the whole. The input: a variable's name up to the first =, then the environment, which comes
 * in pieces.
 */
#include "fuzz.h"
#include "text.h"

#include "collector/discovery/environment.h"
#include "collector/discovery/naming.h"

/* Where the value is, and how long; NULL: nowhere. */
static const char *expected(const char *text, size_t size, const char *variable, size_t *length)
{
	for (size_t at = 0; at < size;) {
		const char *end = memchr(text + at, '\0', size - at);
		size_t whole = end ? (size_t)(end - text) - at : size - at, name = strlen(variable);

		if (whole > name && !memcmp(text + at, variable, name) && text[at + name] == '=') {
			*length = whole - name - 1;
			return text + at + name + 1;
		}
		at += whole + 1;
	}
	return NULL;
}

static void check_clean(const char *value, size_t size)
{
	char name[CONFIG_NAME_SIZE], *copy = fuzz_copy(value, size);
	int changed = naming_clean(name, copy, size);
	size_t length;

	CHECK(memchr(name, '\0', sizeof(name)));
	length = strlen(name);
	CHECK(text_is_utf8(name, length));
	CHECK(!(changed & NAMING_CUT) || length + 3 >= CONFIG_NAME_SIZE - 1, "cut at %zu", length);
	CHECK(changed || (length == size && !memcmp(name, value, size)));
	CHECK(changed & NAMING_CUT || !!(changed & NAMING_REPAIRED) == !text_is_utf8(copy, size));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *mark = size ? memchr(data, '=', size) : NULL;
	size_t name = mark ? (size_t)(mark - data) : 0, length = 0,
	       rest = mark ? size - name - 1 : 0;
	char *variable = fuzz_string(data, name), *text = fuzz_copy(mark ? mark + 1 : data, rest);
	struct cuts cuts = cuts_begin(data, size, 0, 40);
	struct environment search;
	const char *wanted;

	if (!variable[0] || strlen(variable) != name)
		goto out;
	wanted = expected(text, rest, variable, &length);
	environment_begin(&search, variable);
	for (size_t at = 0, piece; at < rest; at += piece) {
		char *copy;

		piece = cuts_next(&cuts, rest - at);
		copy = fuzz_copy(text + at, piece);
		environment_add(&search, copy, piece);
		free(copy);
	}
	CHECK(environment_end(&search) == !!wanted);
	if (wanted) {
		CHECK(search.size ==
		      (length < ENVIRONMENT_VALUE_SIZE ? length : ENVIRONMENT_VALUE_SIZE));
		CHECK(!memcmp(search.value, wanted, search.size));
		if (!memchr(search.value, '\0', search.size))
			check_clean(search.value, search.size);
	}
out:
	free(variable);
	free(text);
	return 0;
}
