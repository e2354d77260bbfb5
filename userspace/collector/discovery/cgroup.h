/* SPDX-License-Identifier: Apache-2.0 */
/* Which pod and which container a process is of, as the names of its cgroups tell. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define POD_UID_SIZE 37
#define CONTAINER_ID_SIZE 65

struct cgroup_owner {
	char pod_uid[POD_UID_SIZE]; /* lower case, 8-4-4-4-12 (a static pod's: 32 digits); empty: of
				       no pod */
	char container_id[CONTAINER_ID_SIZE]; /* 64 hex digits, lower case; empty: not known */
	/*
	 * A container lies above the pod: a Kubernetes in a container (kind, k3d), or a container
	 * that calls a cgroup of its own a pod. Both are then what it says they are: not to be
	 * looked up among this machine's.
	 */
	bool is_nested;
};

/*
 * Reads the text of /proc/PID/cgroup: v1, v2 or both; of the systemd and the cgroupfs driver; as
 * seen from any cgroup namespace. The outermost pod of a path wins, so a container that makes
 * cgroups below its own stays what it is. Finding nothing is no error. Lines that name different
 * pods or containers are not believed: nothing is found.
 */
void cgroup_parse(const char *text, size_t size, struct cgroup_owner *owner);

/*
 * The same for the process whose /proc/PID is open as `process`. All that is read through one such
 * descriptor is of one process: once that is gone it reads nothing, even if its PID is used again.
 * Takes no capability. Returns 0, -ENOENT or -ESRCH when the process is gone, -E2BIG, another
 * -errno; nothing is found then.
 */
int cgroup_read(int process, struct cgroup_owner *owner);

/*
 * Reads a pod's uid as cgroups have it, with - or _ or nothing between its parts. False when it is
 * none.
 */
bool pod_uid_read(const char *text, size_t size, char uid[POD_UID_SIZE]);

/* Whether it is a container's id, 64 hex digits of any case; writes it in lower case. */
bool container_id_read(const char *text, size_t size, char id[CONTAINER_ID_SIZE]);
