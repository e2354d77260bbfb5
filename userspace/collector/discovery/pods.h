/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names behind a pod's uid and a container's id, without the Kubernetes API: kubelet names
 * folders and links below /var/log after them.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "collector/discovery/cgroup.h"

#define PODS_ROOT "/var/log/pods"
#define CONTAINERS_ROOT "/var/log/containers"
#define PODS_MAX 8192 /* names that are kept of one folder, 450 bytes each */

struct pod_record {
	char key[CONTAINER_ID_SIZE]; /* the pod's uid, or the container's id */
	char namespace[64];
	char pod[254];
	char container[64]; /* empty in a pod's record */
};

/* What the last look at a folder found. */
struct pods_scan {
	uint32_t known;	  /* names that can be found */
	uint32_t refused; /* entries whose names are not what kubelet writes */
	uint32_t twice;	  /* entries that share a key with another: neither is believed */
	uint32_t beyond;  /* entries left out: more than PODS_MAX, or than a look reads */
};

typedef bool pod_name_parse(const char *name, struct pod_record *record);

/* NAMESPACE_POD_UID, a folder of PODS_ROOT. False when it is not what kubelet writes. */
bool pod_folder_parse(const char *name, struct pod_record *record);
/* POD_NAMESPACE_CONTAINER-ID.log, a link of CONTAINERS_ROOT. The same. */
bool container_link_parse(const char *name, struct pod_record *record);

/*
 * What is known of one folder, by key. Its memory is that of the names in it. Initialise with one
 * of the two below.
 */
struct pods {
	const char *root; /* borrowed */
	pod_name_parse *parse;
	unsigned char type; /* DT_… of what counts */
	struct pod_record *records;
	size_t count;
	bool scanned;
	uint64_t scanned_ns;
	struct timespec changed; /* the folder, when it was looked at */
	struct pods_scan scan;
};

#define PODS_FOLDERS(path) \
	((struct pods){ .root = (path), .parse = pod_folder_parse, .type = DT_DIR })
#define PODS_LINKS(path) \
	((struct pods){ .root = (path), .parse = container_link_parse, .type = DT_LNK })

/*
 * Finds the record of a key. The folder is read again when the key is not known: at most once a
 * second, or, when it has changed (a new pod), ten times a second. `now_ns` is CLOCK_MONOTONIC.
 * Returns 0; -ENOENT: it was looked for just now and is not there; -EAGAIN: not known at the last
 * look, which was too short ago for another; -errno when the folder cannot be read (what was known
 * before still is).
 */
int pods_find(struct pods *pods, const char *key, uint64_t now_ns, struct pod_record *record);

void pods_free(struct pods *pods);
