// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/discovery/naming.c: labels are unique, valid and made of the name; they are
 * the same from any order, and the same without those that are younger. The input: lines, each a
 * digit for the cookie, one for the uid (or - for none), the name.
 */
#include "fuzz.h"
#include "text.h"

#include <ctype.h>

#include "collector/discovery/naming.h"

#define MOST 64

static struct naming_entry entries[MOST];
static char names[MOST][CONFIG_NAME_SIZE], uids[MOST][40];

static size_t read_lines(const char *text, size_t size)
{
	size_t count = 0;

	for (size_t at = 0; at < size && count < MOST;) {
		const char *line = text + at, *end = memchr(line, '\n', size - at);
		size_t length = end ? (size_t)(end - line) : size - at;

		at += length + 1;
		if (length < 3)
			continue;
		naming_clean(names[count], line + 2, length - 2);
		if (!names[count][0])
			continue;
		snprintf(uids[count], sizeof(uids[count]), "%08x-0000-4000-8000-000000000000",
			 (unsigned int)(unsigned char)line[1]);
		entries[count] = (struct naming_entry){ .name = names[count],
							.uid = line[1] == '-' ? NULL : uids[count],
							.cookie = (unsigned char)line[0],
							.since = count,
							.inode = (uint32_t)count };
		count++;
	}
	return count;
}

static void check_label(const struct naming_entry *entry)
{
	size_t length, suffix;

	CHECK(memchr(entry->label, '\0', sizeof(entry->label)));
	length = strlen(entry->label);
	CHECK(length && text_is_utf8(entry->label, length));
	if (!strcmp(entry->label, entry->name))
		return;
	CHECK(length > 9 && entry->label[length - 9] == '@', "%s", entry->label);
	for (suffix = length - 8; suffix < length; suffix++)
		CHECK(isxdigit((unsigned char)entry->label[suffix]), "%s", entry->label);
	CHECK(!strncmp(entry->label, entry->name, length - 9));
	CHECK(strlen(entry->name) == length - 9 || length > CONFIG_NAME_SIZE - 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size), labels[MOST][CONFIG_NAME_SIZE];
	struct naming_entry *order[MOST], *age[MOST];
	size_t count = read_lines(text, size);
	struct cuts cuts = cuts_begin(data, size, 0, 1);

	for (size_t i = 0; i < count; i++)
		age[i] = &entries[i];
	naming_assign(age, count);
	for (size_t i = 0; i < count; i++) {
		check_label(age[i]);
		memcpy(labels[i], age[i]->label, sizeof(labels[i]));
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(age[i]->label, age[k]->label), "%s twice", age[i]->label);
	}
	for (size_t known = count; known; known = cuts_below(&cuts, known)) {
		memcpy(order, age, known * sizeof(order[0]));
		for (size_t i = known - 1; i > 0; i--) {
			size_t other = cuts_below(&cuts, i + 1);
			struct naming_entry *swap = order[i];

			order[i] = order[other];
			order[other] = swap;
		}
		naming_assign(order, known);
		for (size_t i = 0; i < known; i++)
			CHECK(order[i] == age[i] && !strcmp(order[i]->label, labels[i]),
			      "%s was %s", order[i]->label, labels[i]);
	}
	free(text);
	return 0;
}
