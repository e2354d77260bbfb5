// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/naming.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "lib/text/utf8.h"

#define SUFFIX_LENGTH 9 /* @ and 8 digits */
#define ID_DIGITS 12	/* of a container id, as docker ps shows it */

int naming_clean(char name[CONFIG_NAME_SIZE], const char *text, size_t size)
{
	size_t used = 0;
	int changed = 0;

	while (size) {
		size_t length = utf8_length(text, size);
		const char *character = length ? text : UTF8_REPLACEMENT;
		size_t written = length ? length : strlen(UTF8_REPLACEMENT);

		if (used + written >= CONFIG_NAME_SIZE) {
			changed |= NAMING_CUT;
			break;
		}
		memcpy(name + used, character, written);
		used += written;
		changed |= length ? 0 : NAMING_REPAIRED;
		text += length ? length : 1;
		size -= length ? length : 1;
	}
	name[used] = '\0';
	return changed;
}

static bool is_known(const char *text)
{
	return text && text[0];
}

void naming_choose(char name[CONFIG_NAME_SIZE], const struct naming_facts *facts)
{
	const char *const words[] = { facts->proxy_name, facts->pod, facts->container };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_known(words[i])) {
			naming_clean(name, words[i], strnlen(words[i], CONFIG_NAME_SIZE + 4));
			return;
		}
	}
	if (is_known(facts->container_id))
		naming_clean(name, facts->container_id, strnlen(facts->container_id, ID_DIGITS));
	else if (facts->netns_cookie)
		snprintf(name, CONFIG_NAME_SIZE, "%016llx",
			 (unsigned long long)facts->netns_cookie);
	else
		snprintf(name, CONFIG_NAME_SIZE, "netns-%u", facts->netns_inode);
}

void naming_node(char name[CONFIG_NAME_SIZE])
{
	const char *text = getenv("NODE_NAME");
	char hostname[256] = "";

	if (!is_known(text)) {
		gethostname(hostname, sizeof(hostname) - 1);
		text = is_known(hostname) ? hostname : "unknown";
	}
	naming_clean(name, text, strnlen(text, CONFIG_NAME_SIZE + 4));
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Sorts by age; further keys only make the order stable. */
static int compare_age(const void *one, const void *other)
{
	const struct naming_entry *a = *(const struct naming_entry *const *)one;
	const struct naming_entry *b = *(const struct naming_entry *const *)other;
	int order = compare_numbers(a->cookie, b->cookie);

	if (!order)
		order = compare_numbers(a->since, b->since);
	if (!order)
		order = compare_numbers(a->inode, b->inode);
	if (!order)
		order = strcmp(a->uid ? a->uid : "", b->uid ? b->uid : "");
	return order ? order : strcmp(a->name, b->name);
}

/* FNV-1a with a random start, so that nobody can choose names that all fall into one bucket. */
static uint64_t hash_text(const char *text)
{
	const unsigned char *seed = (const unsigned char *)getauxval(AT_RANDOM);
	uint64_t hash = 14695981039346656037u;

	if (seed)
		memcpy(&hash, seed, sizeof(hash));
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash ^ hash >> 32;
}

/*
 * The set of assigned labels: a hash table whose buckets are in the entries. Returns false if the
 * label is already assigned.
 */
static bool label_take(struct naming_entry **entries, size_t count, struct naming_entry *entry)
{
	struct naming_entry **bucket;

	entry->hash = hash_text(entry->label);
	bucket = &entries[entry->hash % count]->bucket;
	for (const struct naming_entry *other = *bucket; other; other = other->next)
		if (other->hash == entry->hash && !strcmp(other->label, entry->label))
			return false;
	entry->next = *bucket;
	*bucket = entry;
	return true;
}

/* Writes the name, truncated between characters to leave `room` bytes. Returns its length. */
static size_t label_begin(struct naming_entry *entry, size_t room)
{
	size_t size = strnlen(entry->name, CONFIG_NAME_SIZE - 1), used = 0;

	while (used < size) {
		size_t length = utf8_length(entry->name + used, size - used);

		length = length ? length : 1;
		if (used + length >= CONFIG_NAME_SIZE - room)
			break;
		used += length;
	}
	memcpy(entry->label, entry->name, used);
	entry->label[used] = '\0';
	return used;
}

static uint32_t uid_digits(const char *uid)
{
	char digits[9] = "";

	memcpy(digits, uid, strnlen(uid, sizeof(digits) - 1));
	return (uint32_t)strtoul(digits, NULL, 16);
}

/*
 * Odd, so that no number repeats. Derived from the entry, so that entries with the same first
 * number differ at the next.
 */
static uint32_t stride(const struct naming_entry *entry)
{
	uint64_t mixed = (entry->cookie ^ entry->since ^ entry->inode) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(mixed >> 32) | 1;
}

/* Returns the number after the @ for an attempt. */
static uint32_t suffix(const struct naming_entry *entry, uint32_t attempt)
{
	uint32_t own = entry->cookie ? (uint32_t)entry->cookie : entry->inode;

	if (!is_known(entry->uid))
		return own + attempt * stride(entry);
	return attempt ? own + (attempt - 1) * stride(entry) : uid_digits(entry->uid);
}

void naming_assign(struct naming_entry **entries, size_t count)
{
	if (!count)
		return;
	for (size_t i = 0; i < count; i++)
		entries[i]->bucket = NULL;
	qsort(entries, count, sizeof(struct naming_entry *), compare_age);
	for (size_t i = 0; i < count; i++) {
		struct naming_entry *entry = entries[i];

		label_begin(entry, 0);
		/*
		 * Ends after at most as many attempts as entries: each older entry has one label.
		 */
		for (uint32_t attempt = 0; !label_take(entries, count, entry); attempt++) {
			size_t length = label_begin(entry, SUFFIX_LENGTH);

			snprintf(entry->label + length, SUFFIX_LENGTH + 1, "@%08x",
				 suffix(entry, attempt));
		}
	}
}
