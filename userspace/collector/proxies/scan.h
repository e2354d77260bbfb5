/* SPDX-License-Identifier: Apache-2.0 */
/* Finds proxies by the processes of the machine. */
#pragma once

#include "collector/discovery/processes.h"
#include "collector/proxies/proxies.h"

/*
 * One scan of all processes: the network namespaces with SOCKS servers, and the server processes.
 */
struct server_scan {
	/* By namespace; within one, processes that are not children first, then by pid */
	struct server_process *processes;
	size_t count, max;
	/*
	 * First processes of servers whose namespace we cannot read: about the number of unseen
	 * proxies
	 */
	size_t hidden;
};

/* The SOCKS servers of one namespace. */
struct server_group {
	const struct server_process *processes;
	size_t count;
};

/* Returns 0 or -ENOMEM. */
int server_scan_run(struct server_scan *scan, const struct config *config);

/* Returns the group at *at and advances *at; count 0: end. */
struct server_group server_scan_next(const struct server_scan *scan, size_t *at);

void server_scan_free(struct server_scan *scan);

/* Adds the proxies of a scan that are new. */
void proxies_take(struct proxies *proxies, const struct server_scan *scan);

/*
 * Call after events were lost: checks which proxies are gone, and scans the interfaces of the
 * others.
 */
void proxies_rescan(struct proxies *proxies);
