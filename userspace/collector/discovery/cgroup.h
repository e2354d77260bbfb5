/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the pod and the container of a process, from the names of its cgroups. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define POD_UID_SIZE 37
#define CONTAINER_ID_SIZE 65

struct cgroup_owner {
	/* Lower case, 8-4-4-4-12 (static pod: 32 digits); empty: not in a pod */
	char pod_uid[POD_UID_SIZE];
	char container_id[CONTAINER_ID_SIZE]; /* 64 hex digits, lower case; empty: not known */
	/*
	 * The pod is inside a container: Kubernetes in a container (kind, k3d), or a container that
	 * names a cgroup like a pod. Both ids are then unverified: do not look them up among the
	 * pods of this machine.
	 */
	bool is_nested;
};

/*
 * Parses the text of /proc/PID/cgroup: v1, v2 or both; systemd or cgroupfs driver; from any cgroup
 * namespace. Uses the outermost pod of a path, so that a container cannot change its identity with
 * cgroups of its own. An empty result is not an error. If lines name different pods or containers,
 * the result is empty.
 */
void cgroup_parse(const char *text, size_t size, struct cgroup_owner *owner);

/*
 * Does the same for the process whose /proc/PID is open as `process`. All reads through this
 * descriptor concern one process, even if its PID is reused. Needs no capability. Returns 0;
 * -ENOENT or -ESRCH: the process is gone; -E2BIG; or another -errno. On error the result is empty.
 */
int cgroup_read(int process, struct cgroup_owner *owner);

/*
 * Reads the UID of a pod as cgroups write it: with -, _ or nothing between the parts. Returns false
 * if it is not a UID.
 */
bool pod_uid_read(const char *text, size_t size, char uid[POD_UID_SIZE]);

/* Returns whether `text` is a container id (64 hex digits); writes it in lower case. */
bool container_id_read(const char *text, size_t size, char id[CONTAINER_ID_SIZE]);
