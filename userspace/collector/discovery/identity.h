/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a proxy of a node is: its pod, and the name that it is meant to have. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/discovery/cgroup.h"
#include "collector/discovery/pods.h"
#include "lib/config/config.h"
#include <wgsocks/abi.h>

struct identity {
	char name[CONFIG_NAME_SIZE];	   /* that is meant; the label may have a suffix */
	char proxy_name[CONFIG_NAME_SIZE]; /* PROXY_NAME of the server's environment; empty: none */
	struct cgroup_owner owner;
	struct pod_record pod;	    /* key empty: no pod, or none that is known */
	bool settled;		    /* nothing more is to be found out */
	char former[ABI_NAME_SIZE]; /* what an earlier process called it, which has seen its server:
				       until we do; cut */
};

/* Where names are looked for. */
struct identities {
	struct pods pods, containers;
	char node[CONFIG_NAME_SIZE];
};

void identities_open(struct identities *identities);
void identities_close(struct identities *identities);

/*
 * Reads what /proc tells of a server process (0: of none), and names it. To be called again while
 * it is not settled: kubelet's folders come a little later than the pod. Returns whether the name
 * is another one.
 */
bool identity_read(struct identity *identity, struct identities *identities, pid_t pid,
		   uint32_t netns_inode, uint64_t netns_cookie);
