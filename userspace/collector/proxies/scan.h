/* SPDX-License-Identifier: Apache-2.0 */
/* Looking around: which proxies there are, by what the processes of the machine tell. */
#pragma once

#include "collector/discovery/processes.h"
#include "collector/proxies/proxies.h"

/*
 * One scan of all processes: which network namespaces have SOCKS servers, and which processes these
 * are.
 */
struct server_scan {
	struct server_process
		*processes; /* by namespace; in it, first those that are no child, by pid */
	size_t count, max;
	size_t hidden; /* first processes of servers whose namespace is not ours to see: about as
			  many proxies */
};

/* The SOCKS servers of one namespace. */
struct server_group {
	const struct server_process *processes;
	size_t count;
};

/* Returns 0 or -ENOMEM. */
int server_scan_run(struct server_scan *scan, const struct config *config);

/* The group that begins at *at, which is moved on; count 0: that was the last. */
struct server_group server_scan_next(const struct server_scan *scan, size_t *at);

void server_scan_free(struct server_scan *scan);

/* Takes the proxies of a scan in that are new. */
void proxies_take(struct proxies *proxies, const struct server_scan *scan);

/* Looks which proxies are gone, and what the others' interfaces are: for events that were lost. */
void proxies_rescan(struct proxies *proxies);
