/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destinations of the proxies: which addresses have a series, with which name and country. Updated
 * once a second; a scrape only reads.
 */
#pragma once

#include "collector/destinations/geoip.h"
#include "collector/destinations/names.h"
#include "collector/kernel/kernel.h"
#include "collector/proxy_netns/proxy_netns.h"

/* Names and log state of the destinations of one proxy, by slot. */
struct destination_learned {
	struct names *names;
	bool unplaced; /* the log line was written */
};

struct destinations {
	const struct config *config;
	struct kernel *kernel;
	struct destination_learned
		*learned; /* NULL while destinations are off or memory is missing */
	struct geoip geoip;
	bool relocate; /* the database changed: look up all countries again in this tick */
};

void destinations_init(struct destinations *d, const struct config *config, struct kernel *kernel);

/*
 * Called each second. destinations_refresh checks the database; destinations_tick then promotes
 * destinations of each started proxy. Both do nothing while destinations are off or the kernel side
 * is not loaded.
 */
void destinations_refresh(struct destinations *d, uint64_t now_ns);
void destinations_tick(struct destinations *d, const struct proxy_netns *netns);

/* Handles a record of the ring buffer `answers`. */
int destinations_on_answer(void *destinations, void *data, size_t size);

/* Drops what is known for a slot whose proxy is gone. */
void destinations_forget(struct destinations *d, uint32_t slot);

/* Reads the bytes of all tunnels that belong to no destination. Returns 0 or -errno. */
int destinations_other(const struct kernel *kernel, const struct proxy_netns *netns,
		       __u64 other[ABI_DIRECTION_MAX]);

void destinations_close(struct destinations *d);
