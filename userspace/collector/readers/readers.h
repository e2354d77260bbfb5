/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers turn the maps of one proxy into samples. Of Prometheus they know only the ids of the
 * metric table.
 */
#pragma once

#include "collector/kernel/kernel.h"
#include "collector/proxy_netns/proxy_netns.h"
#include "lib/snapshot/snapshot.h"

struct destinations;

struct reading {
	const struct kernel *kernel; /* loaded; the proxy has its slot */
	struct proxy_netns *netns;
	const struct destinations *destinations;
	struct snapshot_builder *to;
	uint32_t name;	 /* the name of the proxy in `to` */
	uint64_t second; /* CLOCK_MONOTONIC, in seconds */
};

/* Adds the proxy, its listener and its tunnels; works without the kernel side. */
void samples_presence(const struct reading *r);

/* Adds its pod, if it has one. */
struct identity;
void samples_kubernetes(const struct reading *r, const struct identity *identity, const char *node);

/*
 * Selects the tunnels to show and their names: those that have or had a tunnel. The first is always
 * shown: without a tunnel, as down, with the configured name.
 */
bool tunnel_shown(const struct proxy_netns *netns, unsigned int tunnel_index);
const char *tunnel_name(const struct proxy_netns *netns, unsigned int tunnel_index);

/*
 * The readers of the collectors, samples_<name>. Each returns 0 or -errno; after -errno, the caller
 * drops the samples it added. A positive errno (samples_wireguard only): some tunnels could not be
 * read, and the samples of the others are valid. samples_wireguard reads the devices itself.
 */
#define READER_(id, name, ...) int samples_##name(const struct reading *r);
COLLECTORS(READER_)
#undef READER_

/*
 * Adds the last minutes in steps if the collector compat stores them; does not depend on the
 * requested collectors.
 */
void samples_history(const struct reading *r);

/* Stores the requests total of a slot for this second, for rates over the last minute. */
void window_remember(struct kernel *kernel, uint32_t slot, uint64_t second);

/* Returns the requests received in the last 60 s, in steps of 1 s. */
uint64_t window_requests(const struct kernel *kernel, uint32_t slot, uint64_t second);

/*
 * Stores the totals for the rates of the collector compat; does nothing while it is off. Call each
 * second.
 */
void compat_remember(struct kernel *kernel, const struct proxy_netns *netns, uint64_t now_ns);

/*
 * Call after the kernel side was loaded. Adds requests that were counted while the collector
 * clients was off to `other`, so that the sum over clients equals the requests total.
 */
void clients_settle(struct kernel *kernel, uint32_t slot);

/* Returns the sum over all commands. */
uint64_t requests_total(const struct proxy_counters *counters);
