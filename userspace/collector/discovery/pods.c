// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/pods.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/array.h"
#include "lib/cleanup.h"
#include "lib/time.h"

#define ENTRIES_MAX 65536 /* limit of one scan */
#define PAUSE_NS (1 * NS_PER_S)
#define PAUSE_CHANGED_NS (100 * NS_PER_MS)

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Checks for one DNS label, or several separated by dots, as Kubernetes does (RFC 1123). */
static bool name_is_valid(const char *text, size_t size, bool dots)
{
	if (!size)
		return false;
	for (size_t i = 0; i < size; i++) {
		bool is_end = i == 0 || i == size - 1;

		if (is_alphanumeric(text[i]))
			continue;
		if (is_end || (text[i] != '-' && (!dots || text[i] != '.')))
			return false;
		/* A letter or a digit is required on both sides of a dot. */
		if ((text[i] == '.' || text[i - 1] == '.') && !is_alphanumeric(text[i - 1]))
			return false;
	}
	return true;
}

static bool name_copy(char *out, size_t size, const char *text, size_t length, bool dots)
{
	if (length >= size || !name_is_valid(text, length, dots))
		return false;
	memcpy(out, text, length);
	out[length] = '\0';
	return true;
}

#define NAME_COPY(field, text, length, dots) name_copy(field, sizeof(field), text, length, dots)

/* Splits a name into three parts; returns the third, or NULL. No part can contain the separator. */
static const char *split(const char *name, size_t *first, const char **second,
			 size_t *second_length)
{
	*first = strcspn(name, "_");
	if (!name[*first])
		return NULL;
	*second = name + *first + 1;
	*second_length = strcspn(*second, "_");
	return (*second)[*second_length] ? *second + *second_length + 1 : NULL;
}

bool pod_folder_parse(const char *name, struct pod_record *record)
{
	size_t namespace_length, pod_length;
	const char *pod, *uid = split(name, &namespace_length, &pod, &pod_length);

	*record = (struct pod_record){ .key = "" };
	/*
	 * Requires the spelling of kubelet: another spelling would be a second name of the same
	 * pod.
	 */
	return uid && pod_uid_read(uid, strnlen(uid, POD_UID_SIZE), record->key) &&
	       !strcmp(uid, record->key) &&
	       NAME_COPY(record->namespace, name, namespace_length, false) &&
	       NAME_COPY(record->pod, pod, pod_length, true);
}

bool container_link_parse(const char *name, struct pod_record *record)
{
	static const char suffix[] = ".log";
	const size_t tail = 1 + CONTAINER_ID_SIZE - 1 + sizeof(suffix) - 1; /* -ID.log */
	size_t pod_length, namespace_length, length;
	const char *namespace, *id,
		*container = split(name, &pod_length, &namespace, &namespace_length);

	*record = (struct pod_record){ .key = "" };
	if (!container)
		return false;
	length = strlen(container);
	if (length <= tail)
		return false;
	id = container + length - tail + 1;
	/* The file name limit cuts the end of an id off a long name, which then matches nothing. */
	return id[-1] == '-' && !strcmp(id + CONTAINER_ID_SIZE - 1, suffix) &&
	       container_id_read(id, CONTAINER_ID_SIZE - 1, record->key) &&
	       !memcmp(id, record->key, CONTAINER_ID_SIZE - 1) &&
	       NAME_COPY(record->container, container, length - tail, false) &&
	       NAME_COPY(record->namespace, namespace, namespace_length, false) &&
	       NAME_COPY(record->pod, name, pod_length, true);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct pod_record *)a)->key, ((const struct pod_record *)b)->key);
}

static int compare_key(const void *key, const void *record)
{
	return strcmp(key, ((const struct pod_record *)record)->key);
}

static bool has_type(int directory, const struct dirent *entry, unsigned char type)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == type;
	return fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       IFTODT(status.st_mode) == type;
}

/* The records of a scan in progress. */
struct collection {
	struct pod_record *records;
	size_t count, room;
};

static int collection_add(struct collection *c, const struct pod_record *record)
{
	struct pod_record *records = array_room(c->records, c->count, &c->room, sizeof(*records));

	if (!records)
		return -ENOMEM;
	c->records = records;
	c->records[c->count++] = *record;
	return 0;
}

/* Sorts, and removes all records that share a key. Returns the number removed. */
static uint32_t collection_settle(struct collection *c)
{
	size_t kept = 0, count = c->count;

	if (count)
		qsort(c->records, count, sizeof(c->records[0]), compare);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && !compare(&c->records[i], &c->records[end]);)
			end++;
		if (end == i + 1)
			c->records[kept++] = c->records[i];
	}
	c->count = kept;
	return (uint32_t)(count - kept);
}

static int collect_entry(const struct pods *pods, int directory, const struct dirent *entry,
			 struct collection *c, struct pods_scan *scan)
{
	struct pod_record record;

	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return 0;
	if (!has_type(directory, entry, pods->type) || !pods->parse(entry->d_name, &record)) {
		scan->refused++;
		return 0;
	}
	if (c->count == PODS_MAX) {
		scan->beyond++;
		return 0;
	}
	return collection_add(c, &record);
}

static int collect(const struct pods *pods, DIR *directory, struct collection *c,
		   struct pods_scan *scan)
{
	for (size_t entries = 0;; entries++) {
		const struct dirent *entry;
		int r;

		errno = 0;
		entry = readdir(directory);
		if (!entry)
			return -errno;
		if (entries == ENTRIES_MAX) {
			scan->beyond++; /* at least this one; stop reading */
			return 0;
		}
		r = collect_entry(pods, dirfd(directory), entry, c, scan);
		if (r)
			return r;
	}
}

static int scan(struct pods *pods)
{
	_cleanup_closedir_ DIR *directory = opendir(pods->root);
	struct pods_scan scan = { .known = 0 };
	struct collection c = { .records = NULL };
	struct stat status;
	int r;

	if (!directory)
		return -errno;
	/* Read the time before the entries, so that later changes are noticed. */
	r = fstat(dirfd(directory), &status) ? -errno : collect(pods, directory, &c, &scan);
	if (r) {
		free(c.records);
		return r;
	}
	scan.twice = collection_settle(&c);
	scan.known = (uint32_t)c.count;
	free(pods->records);
	pods->records = c.records;
	pods->count = c.count;
	pods->scan = scan;
	pods->changed = status.st_mtim;
	return 0;
}

static bool is_time(const struct pods *pods, uint64_t now_ns)
{
	uint64_t since = now_ns - pods->scanned_ns;
	struct stat status;

	if (!pods->scanned || since >= PAUSE_NS)
		return true;
	return since >= PAUSE_CHANGED_NS && stat(pods->root, &status) == 0 &&
	       (status.st_mtim.tv_sec != pods->changed.tv_sec ||
		status.st_mtim.tv_nsec != pods->changed.tv_nsec);
}

static bool recall(const struct pods *pods, const char *key, struct pod_record *record)
{
	const struct pod_record *found = NULL;

	if (pods->count)
		found = bsearch(key, pods->records, pods->count, sizeof(*found), compare_key);
	if (found)
		*record = *found;
	return found;
}

int pods_find(struct pods *pods, const char *key, uint64_t now_ns, struct pod_record *record)
{
	int r;

	if (recall(pods, key, record))
		return 0;
	if (!is_time(pods, now_ns))
		return -EAGAIN;
	pods->scanned = true;
	pods->scanned_ns = now_ns;
	r = scan(pods);
	if (r)
		return r;
	return recall(pods, key, record) ? 0 : -ENOENT;
}

void pods_free(struct pods *pods)
{
	free_pointer(&pods->records);
	pods->count = 0;
	pods->scanned = false;
}
