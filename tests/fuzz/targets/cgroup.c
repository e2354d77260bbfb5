// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/discovery/cgroup.c: each ID found is well-formed and occurs in the text. A
 * process cannot pass for another container by creating cgroups below its own.
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
			      (size == 36 && text[i] == '-' &&
			       (i == 8 || i == 13 || i == 18 || i == 23)),
		      "byte %zu of %s", i, text);
}

/* In the spelling of the text: any case, _ for -. */
static int is_in(const char *text, size_t size, const char *wanted)
{
	size_t length = strlen(wanted);

	for (size_t at = 0; at + length <= size; at++) {
		size_t i = 0;

		while (i < length && (tolower((unsigned char)text[at + i]) == wanted[i] ||
				      (text[at + i] == '_' && wanted[i] == '-')))
			i++;
		if (i == length)
			return 1;
	}
	return 0;
}

static void check_owner(const struct cgroup_owner *owner, const char *text, size_t size)
{
	CHECK(memchr(owner->pod_uid, '\0', sizeof(owner->pod_uid)));
	CHECK(memchr(owner->container_id, '\0', sizeof(owner->container_id)));
	CHECK(!owner->is_nested || (owner->pod_uid[0] && owner->container_id[0]));
	if (owner->pod_uid[0]) {
		CHECK(strlen(owner->pod_uid) == 32 || strlen(owner->pod_uid) == 36, "%s",
		      owner->pod_uid);
		check_hex(owner->pod_uid, strlen(owner->pod_uid));
		CHECK(is_in(text, size, owner->pod_uid), "%s", owner->pod_uid);
	}
	if (owner->container_id[0]) {
		CHECK(strlen(owner->container_id) == 64, "%s", owner->container_id);
		check_hex(owner->container_id, 64);
		CHECK(is_in(text, size, owner->container_id), "%s", owner->container_id);
	}
}

static void check_below(const char *line, size_t size)
{
	static const char *const BELOW[] = { "/x", OTHER, "/" ID, OTHER ".scope",
					     "/x.slice:y:" ID };
	struct cgroup_owner owner, below;

	cgroup_parse(line, size, &owner);
	check_owner(&owner, line, size);
	/* " (deleted)" means something at the end only. */
	if (!owner.pod_uid[0] || (size >= 10 && !memcmp(line + size - 10, " (deleted)", 10)))
		return;
	for (size_t i = 0; i < sizeof(BELOW) / sizeof(BELOW[0]); i++) {
		size_t length = strlen(BELOW[i]);
		char *longer = malloc(size + length);

		CHECK(longer);
		memcpy(longer, line, size);
		memcpy(longer + size, BELOW[i], length);
		cgroup_parse(longer, size + length, &below);
		CHECK(!strcmp(below.pod_uid, owner.pod_uid) && below.is_nested == owner.is_nested,
		      "%s is %s", owner.pod_uid, below.pod_uid);
		CHECK(!owner.container_id[0] || owner.is_nested ||
		      !strcmp(below.container_id, owner.container_id));
		free(longer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	struct cgroup_owner owner;

	cgroup_parse(text, size, &owner);
	check_owner(&owner, text, size);
	for (size_t at = 0; at < size;) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - text) - at : size - at;

		check_below(text + at, length);
		at += length + 1;
	}
	free(text);
	return 0;
}
