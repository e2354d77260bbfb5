/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the names of a pod UID and a container id without the Kubernetes API. Kubelet writes them
 * in names of folders and links below /var/log.
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
#define PODS_MAX 8192 /* names kept of one folder, 450 bytes each */

struct pod_record {
	char key[CONTAINER_ID_SIZE]; /* UID of the pod, or id of the container */
	char namespace[64];
	char pod[254];
	char container[64]; /* empty in the record of a pod */
};

/* Result of the last scan of a folder. */
struct pods_scan {
	uint32_t known;	  /* names that can be found */
	uint32_t refused; /* entries whose names do not have the format of kubelet */
	uint32_t twice;	  /* entries that share a key with another entry; all of them are ignored */
	uint32_t beyond;  /* ignored entries, above PODS_MAX or above the limit of a scan */
};

typedef bool pod_name_parse(const char *name, struct pod_record *record);

/* Parses NAMESPACE_POD_UID, a folder of PODS_ROOT. False if kubelet does not write such a name. */
bool pod_folder_parse(const char *name, struct pod_record *record);
/* Parses POD_NAMESPACE_CONTAINER-ID.log, a link of CONTAINERS_ROOT. False as above. */
bool container_link_parse(const char *name, struct pod_record *record);

/*
 * The names of one folder, by key. Memory grows with the number of names. Initialise with one of
 * the two macros below.
 */
struct pods {
	const char *root; /* borrowed */
	pod_name_parse *parse;
	unsigned char type; /* DT_… of accepted entries */
	struct pod_record *records;
	size_t count;
	bool scanned;
	uint64_t scanned_ns;
	struct timespec changed; /* mtime of the folder at the last scan */
	struct pods_scan scan;
};

#define PODS_FOLDERS(path) \
	((struct pods){ .root = (path), .parse = pod_folder_parse, .type = DT_DIR })
#define PODS_LINKS(path) \
	((struct pods){ .root = (path), .parse = container_link_parse, .type = DT_LNK })

/*
 * Finds the record of a key. If the key is not known, scans the folder again, at most once a
 * second. If the folder has changed (a new pod), scans at most ten times a second. `now_ns` is
 * CLOCK_MONOTONIC.
 * Returns 0 or -errno. -ENOENT: not found by a scan just now. -EAGAIN: not found, and the last scan
 * is too recent for another. Other errors: the folder cannot be read; earlier records stay valid.
 */
int pods_find(struct pods *pods, const char *key, uint64_t now_ns, struct pod_record *record);

void pods_free(struct pods *pods);
