/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers: from the maps of one proxy to samples. They know nothing of Prometheus but the metric
 * table's ids.
 */
#pragma once

#include "collector/kernel/kernel.h"
#include "collector/proxy_netns/proxy_netns.h"
#include "lib/snapshot/snapshot.h"

struct destinations;

struct reading {
	const struct kernel *kernel; /* loaded, and the proxy has its slot */
	struct proxy_netns *netns;
	const struct destinations *destinations;
	struct snapshot_builder *to;
	uint32_t name;	 /* the proxy's name in `to` */
	uint64_t second; /* CLOCK_MONOTONIC */
};

/* Needs no kernel side: the proxy, its listener, its tunnels. */
void samples_presence(const struct reading *r);

/* Its pod, where it has one. */
struct identity;
void samples_kubernetes(const struct reading *r, const struct identity *identity, const char *node);

/*
 * Which of the proxy's tunnels are shown, and by which name: those that have, or had, a tunnel; and
 * the first, which shows a tunnel that never was as down, by the name that is looked for.
 */
bool tunnel_shown(const struct proxy_netns *netns, unsigned int tunnel_index);
const char *tunnel_name(const struct proxy_netns *netns, unsigned int tunnel_index);

/*
 * The readers of the collectors, samples_<name>. Each returns 0 or -errno; after an error nothing
 * of it may be shown (the caller drops what it added). A positive errno: some of it could not be
 * read, and what was added holds (samples_wireguard, which reads the devices of the tunnels
 * itself).
 */
#define READER_(id, name, ...) int samples_##name(const struct reading *r);
COLLECTORS(READER_)
#undef READER_

/*
 * The last minutes in steps, where the collector compat remembers them; needs no collector to be
 * asked for.
 */
void samples_history(const struct reading *r);

/* Remembers the requests total of a slot at this second, for rates over the last minute. */
void window_remember(struct kernel *kernel, uint32_t slot, uint64_t second);

/* Requests that arrived in the last 60 s, in steps of 1 s. */
uint64_t window_requests(const struct kernel *kernel, uint32_t slot, uint64_t second);

/*
 * Remembers the totals of which the collector compat tells the last minutes; nothing while that is
 * off. To be called each second.
 */
void compat_remember(struct kernel *kernel, const struct proxy_netns *netns, uint64_t now_ns);

/*
 * After the kernel side was loaded: requests that were counted while nobody counted clients are
 * `other`, so that the sum over the clients is that of the requests.
 */
void clients_settle(struct kernel *kernel, uint32_t slot);

/* Sum over the commands. */
uint64_t requests_total(const struct proxy_counters *counters);
