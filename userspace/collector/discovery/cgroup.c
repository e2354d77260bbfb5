// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/cleanup.h"

/* No pod can exceed this: v1 has 13 hierarchies, and a path has at most 4,096 bytes. */
#define TEXT_MAX (64 * 1024)

struct part {
	const char *text;
	size_t size;
};

static bool hex_read(char c, char *lower)
{
	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	*lower = c;
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool pod_uid_read(const char *text, size_t size, char uid[POD_UID_SIZE])
{
	bool has_parts = size == POD_UID_SIZE - 1;

	if (!has_parts && size != 32)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!has_parts || (i != 8 && i != 13 && i != 18 && i != 23)) {
			if (!hex_read(text[i], &uid[i]))
				return false;
			continue;
		}
		if ((text[i] != '-' && text[i] != '_') || text[i] != text[8])
			return false;
		uid[i] = '-';
	}
	uid[size] = '\0';
	return true;
}

bool container_id_read(const char *text, size_t size, char id[CONTAINER_ID_SIZE])
{
	if (size != CONTAINER_ID_SIZE - 1)
		return false;
	for (size_t i = 0; i < size; i++)
		if (!hex_read(text[i], &id[i]))
			return false;
	id[size] = '\0';
	return true;
}

static bool cut_suffix(struct part *part, const char *suffix)
{
	size_t length = strlen(suffix);

	if (part->size < length || memcmp(part->text + part->size - length, suffix, length) != 0)
		return false;
	part->size -= length;
	return true;
}

/* Returns the text before the next `separator`; false at the end. */
static bool take(struct part *rest, char separator, struct part *part)
{
	const char *end;

	if (!rest->size)
		return false;
	end = memchr(rest->text, separator, rest->size);
	*part = (struct part){ rest->text, end ? (size_t)(end - rest->text) : rest->size };
	rest->text += part->size + !!end;
	rest->size -= part->size + !!end;
	return true;
}

/* The pod slice of the systemd driver: …kubepods[-burstable|-besteffort]-podUID.slice. */
static bool slice_read(struct part part, char uid[POD_UID_SIZE])
{
	static const size_t LENGTHS[] = { POD_UID_SIZE - 1, 32 };
	static const char mark[] = "-pod";

	if (!cut_suffix(&part, ".slice"))
		return false;
	for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++) {
		struct part parent = part;
		const char *text = part.text + part.size - LENGTHS[i];

		if (part.size < LENGTHS[i])
			continue;
		parent.size -= LENGTHS[i];
		if (cut_suffix(&parent, mark) && memmem(parent.text, parent.size, "kubepods", 8) &&
		    pod_uid_read(text, LENGTHS[i], uid))
			return true;
	}
	return false;
}

/*
 * podUID or the slice. Also …-podUID.slice:cri-containerd:ID, one level for pod and container:
 * containerd writes it with the cgroupfs driver if kubelet uses the systemd driver.
 */
static bool pod_level(struct part level, char uid[POD_UID_SIZE])
{
	struct part slice;

	if (level.size > 3 && !memcmp(level.text, "pod", 3) &&
	    pod_uid_read(level.text + 3, level.size - 3, uid))
		return true;
	return take(&level, ':', &slice) && slice_read(slice, uid);
}

/* ID, RUNTIME-ID, RUNTIME-ID.scope, …:ID. */
static bool container_level(struct part level, char id[CONTAINER_ID_SIZE])
{
	const size_t length = CONTAINER_ID_SIZE - 1;
	const char *text;

	cut_suffix(&level, ".scope");
	if (level.size < length)
		return false;
	text = level.text + level.size - length;
	if (level.size > length && text[-1] != '-' && text[-1] != ':')
		return false;
	return container_id_read(text, length, id);
}

/* Reads levels from the outside in. A pod replaces a container above it, nothing else. */
static void path_read(struct part path, struct cgroup_owner *owner)
{
	char outer[CONTAINER_ID_SIZE];
	struct part level;

	cut_suffix(&path, " (deleted)");
	memset(owner, 0, sizeof(*owner));
	while (take(&path, '/', &level)) {
		struct cgroup_owner found = { .pod_uid = "" };

		if (!owner->pod_uid[0] && pod_level(level, found.pod_uid)) {
			memcpy(outer, owner->container_id, sizeof(outer));
			found.is_nested = outer[0];
			*owner = found;
		}
		if (!owner->container_id[0] && container_level(level, found.container_id))
			memcpy(owner->container_id, found.container_id,
			       sizeof(owner->container_id));
	}
	if (owner->is_nested && !owner->container_id[0])
		memcpy(owner->container_id, outer, sizeof(outer));
}

static int owner_rank(const struct cgroup_owner *owner)
{
	if (owner->pod_uid[0])
		return owner->is_nested ? 2 : 3;
	return owner->container_id[0] ? 1 : 0;
}

/* Merges the result of another line. False if the two contradict each other. */
static bool owner_join(struct cgroup_owner *owner, const struct cgroup_owner *line)
{
	if (strcmp(owner->pod_uid, line->pod_uid))
		return false;
	if (!line->container_id[0])
		return true;
	if (!owner->container_id[0])
		memcpy(owner->container_id, line->container_id, sizeof(owner->container_id));
	return !strcmp(owner->container_id, line->container_id);
}

void cgroup_parse(const char *text, size_t size, struct cgroup_owner *owner)
{
	struct part rest = { text, size }, line, ignored;
	bool contradicted = false;

	memset(owner, 0, sizeof(*owner));
	while (take(&rest, '\n', &line)) {
		struct cgroup_owner found;

		/* hierarchy:controllers:path; the path can contain colons. */
		if (!take(&line, ':', &ignored) || !take(&line, ':', &ignored))
			continue;
		path_read(line, &found);
		if (owner_rank(&found) > owner_rank(owner)) {
			*owner = found;
			contradicted = false;
		} else if (owner_rank(&found) == owner_rank(owner)) {
			contradicted |= !owner_join(owner, &found);
		}
	}
	if (contradicted)
		memset(owner, 0, sizeof(*owner));
}

int cgroup_read(int process, struct cgroup_owner *owner)
{
	_cleanup_close_ int fd = openat(process, "cgroup", O_RDONLY | O_CLOEXEC);
	char text[TEXT_MAX];
	size_t size = 0;

	memset(owner, 0, sizeof(*owner));
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t length = read(fd, text + size, sizeof(text) - size);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		if (length == 0)
			break;
		size += (size_t)length;
		if (size == sizeof(text))
			return -E2BIG;
	}
	cgroup_parse(text, size, owner);
	return 0;
}
