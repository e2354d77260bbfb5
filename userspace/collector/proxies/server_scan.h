/* SPDX-License-Identifier: Apache-2.0 */
/* One scan of all processes: which network namespaces have SOCKS servers, and which processes these are. */
#pragma once

#include "collector/discovery/processes.h"

struct server_scan {
	struct server_process *processes; /* by namespace; in it, first those that are no child, by pid */
	size_t count, max;
	size_t hidden; /* first processes of servers whose namespace is not ours to see: about as many proxies */
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
