/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations of the proxy: who gets a series, its name, its country. Once a second; a scrape only reads. */
#ifndef COLLECTOR_DESTINATIONS_H
#define COLLECTOR_DESTINATIONS_H

#include "../kernel/kernel.h"
#include "../watch/watch.h"
#include "geoip.h"
#include "names.h"

struct destinations {
	const struct config *config;
	struct kernel *kernel;
	const struct watch *watch;
	struct names *names;
	struct geoip geoip;
	bool unplaced; /* said */
};

void destinations_init(struct destinations *d, const struct config *config, struct kernel *kernel,
		       const struct watch *watch);

/* Promotes; looks after the database. Does nothing while destinations are off or the kernel side is not loaded. */
void destinations_tick(struct destinations *d, uint64_t now_ns);

/* A record of the ring buffer `answers`. */
int destinations_on_answer(void *destinations, void *data, size_t size);

/* The bytes of all tunnels that are no destination's; and of all. Return 0 or -errno. */
int destinations_other(const struct kernel *kernel, const struct watch *watch, __u64 other[ABI_DIRECTION_MAX]);

void destinations_close(struct destinations *d);

#endif
