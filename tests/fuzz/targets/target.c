// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/health/target.c: what is asked for, against a reading in another way; and
 * percent-encoding, there and back.
 */
#include "fuzz.h"

#include <errno.h>
#include <strings.h>

#include "health/target.h"

/* Whether the query of "/path?a&b=c#fragment" has a parameter of this name. */
static int has_parameter(const char *text, const char *name)
{
	char *copy = fuzz_string(text, strcspn(text, "#")), *query = strchr(copy, '?');
	int found = 0;

	while (query) {
		char *next = strchr(++query, '&');

		if (next)
			*next = '\0';
		found |= strcspn(query, "=") == strlen(name) && !strncmp(query, name, strlen(name));
		query = next;
	}
	free(copy);
	return found;
}

static void check_target(const char *text)
{
	struct target t;
	int r;

	memset(&t, 0xa5, sizeof(t));
	r = target_parse(&t, text);
	CHECK(r == 0 || r == -EINVAL, "%d", r);
	if (r)
		return;
	CHECK(memchr(t.proxy, '\0', sizeof(t.proxy)), "the name has no end");
	CHECK(t.path >= TARGET_UNKNOWN && t.path <= TARGET_STARTUPZ, "path %d", t.path);
	CHECK(*text == '/' || !strncasecmp(text, "http://", 7));
	if (*text != '/')
		return;
	CHECK(t.verbose == has_parameter(text, "verbose"), "verbose is %d", t.verbose);
	/* Decoding leaves plain paths as they are. */
	if (!strchr(text, '%'))
		CHECK((t.path == TARGET_READYZ) ==
		      (strcspn(text, "?#") == 7 && !strncmp(text, "/readyz", 7)));
}

static void check_decode(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size), *encoded = malloc(3 * size + 1), *out;
	int length, again;

	/* Into exactly as much as is needed, and into one less. */
	for (int form = 0; form < 2; form++) {
		out = malloc(size + 1);
		length = percent_decode(text, size, form, out, size + 1);
		CHECK(length == -EINVAL || (length >= 0 && (size_t)length <= size &&
					    strlen(out) <= (size_t)length),
		      "%d", length);
		free(out);
		if (length < 1)
			continue;
		out = malloc((size_t)length);
		again = percent_decode(text, size, form, out, (size_t)length);
		CHECK(again == -ENAMETOOLONG, "%d", again);
		free(out);
	}
	for (size_t i = 0; i < size; i++)
		snprintf(encoded + 3 * i, 4, i & 1 ? "%%%02x" : "%%%02X", data[i]);
	out = malloc(size + 1);
	length = percent_decode(encoded, 3 * size, size & 1, out, size + 1);
	if (memchr(text, '\0', size))
		CHECK(length == -EINVAL, "an encoded NUL: %d", length);
	else
		CHECK(length == (int)size && !memcmp(out, text, size), "not what was encoded");
	free(out);
	free(encoded);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);

	check_target(text);
	check_decode(data, size);
	free(text);
	return 0;
}
