/* SPDX-License-Identifier: Apache-2.0 */
/* One scan of all processes: which network namespaces have SOCKS servers, and which processes these are. */
#pragma once

#include "collector/discovery/processes.h"

struct census {
	struct server_process *processes; /* by namespace; in it, first those that are no child, by pid */
	size_t count, max;
	size_t hidden; /* first processes of servers whose namespace is not ours to see: about as many proxies */
};

/* The SOCKS servers of one namespace. */
struct census_group {
	const struct server_process *processes;
	size_t count;
};

/* Returns 0 or -ENOMEM. */
int census_take(struct census *census, const struct config *config);

/* The group that begins at *at, which is moved on; count 0: that was the last. */
struct census_group census_next(const struct census *census, size_t *at);

void census_free(struct census *census);
