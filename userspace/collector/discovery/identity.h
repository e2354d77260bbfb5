/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a proxy of a node: its pod and its preferred name. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/discovery/cgroup.h"
#include "collector/discovery/pods.h"
#include "lib/config/config.h"
#include <wgsocks/abi.h>

struct identity {
	char name[CONFIG_NAME_SIZE]; /* preferred; the label can have a suffix */
	/* PROXY_NAME in the environment of the server; empty: not set */
	char proxy_name[CONFIG_NAME_SIZE];
	struct cgroup_owner owner;
	struct pod_record pod; /* key empty: not in a pod, or the pod is not known */
	bool settled;	       /* all information was found */
	/*
	 * Name from an earlier process that saw the server, valid until we see it; can be truncated
	 */
	char former[ABI_NAME_SIZE];
};

/* Sources of names. */
struct identities {
	struct pods pods, containers;
	char node[CONFIG_NAME_SIZE];
};

void identities_open(struct identities *identities);
void identities_close(struct identities *identities);

/*
 * Reads /proc of a server process (0: none) and chooses the name. Call again until settled: the
 * folders of kubelet appear shortly after the pod. Returns whether the name changed.
 */
bool identity_read(struct identity *identity, struct identities *identities, pid_t pid,
		   uint32_t netns_inode, uint64_t netns_cookie);
