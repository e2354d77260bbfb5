/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destinations of the proxies: who gets a series, its name, its country. Once a second; a scrape
 * only reads.
 */
#pragma once

#include "collector/destinations/geoip.h"
#include "collector/destinations/names.h"
#include "collector/kernel/kernel.h"
#include "collector/proxy_netns/proxy_netns.h"

/* What is known of one proxy's, by slot. */
struct destination_learned {
	struct names *names;
	bool unplaced; /* said */
};

struct destinations {
	const struct config *config;
	struct kernel *kernel;
	struct destination_learned
		*learned; /* NULL while destinations are off, or without memory */
	struct geoip geoip;
	bool relocate; /* the database is another one: all countries anew, in this tick */
};

void destinations_init(struct destinations *d, const struct config *config, struct kernel *kernel);

/*
 * A tick: the database first, then each proxy that was started, for whom it promotes. They do
 * nothing while destinations are off or the kernel side is not loaded.
 */
void destinations_refresh(struct destinations *d, uint64_t now_ns);
void destinations_tick(struct destinations *d, const struct proxy_netns *netns);

/* A record of the ring buffer `answers`. */
int destinations_on_answer(void *destinations, void *data, size_t size);

/* The proxy that had this slot is gone. */
void destinations_forget(struct destinations *d, uint32_t slot);

/* The bytes of all tunnels that are no destination's. Returns 0 or -errno. */
int destinations_other(const struct kernel *kernel, const struct proxy_netns *netns,
		       __u64 other[ABI_DIRECTION_MAX]);

void destinations_close(struct destinations *d);
