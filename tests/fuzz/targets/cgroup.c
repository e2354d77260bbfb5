// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/discovery/cgroup.c: what it finds is well-formed and was in the text; and a process that makes
 * cgroups below the container that it is in does not become another's.
 */
#include "fuzz.h"

#include <ctype.h>

#include "collector/discovery/cgroup.h"

#define OTHER "/kubepods/poddeadbeef-0000-4000-8000-000000000001/" ID
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check_hex(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		CHECK(isdigit((unsigned char)text[i]) || (text[i] >= 'a' && text[i] <= 'f') ||
			      (size == 36 && text[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23)),
		      "byte %zu of %s", i, text);
}

/* In the spelling of the text: any case, _ for -. */
static int is_in(const char *text, size_t size, const char *wanted)
{
	size_t length = strlen(wanted);

	for (size_t at = 0; at + length <= size; at++) {
		size_t i = 0;

		while (i < length &&
		       (tolower((unsigned char)text[at + i]) == wanted[i] || (text[at + i] == '_' && wanted[i] == '-')))
			i++;
		if (i == length)
			return 1;
	}
	return 0;
}

static void check_place(const struct cgroup_place *place, const char *text, size_t size)
{
	CHECK(memchr(place->pod_uid, '\0', sizeof(place->pod_uid)));
	CHECK(memchr(place->container_id, '\0', sizeof(place->container_id)));
	CHECK(!place->is_nested || (place->pod_uid[0] && place->container_id[0]));
	if (place->pod_uid[0]) {
		CHECK(strlen(place->pod_uid) == 32 || strlen(place->pod_uid) == 36, "%s", place->pod_uid);
		check_hex(place->pod_uid, strlen(place->pod_uid));
		CHECK(is_in(text, size, place->pod_uid), "%s", place->pod_uid);
	}
	if (place->container_id[0]) {
		CHECK(strlen(place->container_id) == 64, "%s", place->container_id);
		check_hex(place->container_id, 64);
		CHECK(is_in(text, size, place->container_id), "%s", place->container_id);
	}
}

static void check_below(const char *line, size_t size)
{
	static const char *const BELOW[] = { "/x", OTHER, "/" ID, OTHER ".scope", "/x.slice:y:" ID };
	struct cgroup_place place, below;

	cgroup_parse(line, size, &place);
	check_place(&place, line, size);
	/* " (deleted)" means something at the end only. */
	if (!place.pod_uid[0] || (size >= 10 && !memcmp(line + size - 10, " (deleted)", 10)))
		return;
	for (size_t i = 0; i < sizeof(BELOW) / sizeof(BELOW[0]); i++) {
		size_t length = strlen(BELOW[i]);
		char *longer = malloc(size + length);

		CHECK(longer);
		memcpy(longer, line, size);
		memcpy(longer + size, BELOW[i], length);
		cgroup_parse(longer, size + length, &below);
		CHECK(!strcmp(below.pod_uid, place.pod_uid) && below.is_nested == place.is_nested, "%s is %s",
		      place.pod_uid, below.pod_uid);
		CHECK(!place.container_id[0] || place.is_nested || !strcmp(below.container_id, place.container_id));
		free(longer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	struct cgroup_place place;

	cgroup_parse(text, size, &place);
	check_place(&place, text, size);
	for (size_t at = 0; at < size;) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - text) - at : size - at;

		check_below(text + at, length);
		at += length + 1;
	}
	free(text);
	return 0;
}
