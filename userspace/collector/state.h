/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's own state, shared by its loop (collector.c) and its answers (answer.c,
 * self_metrics.c).
 */
#pragma once

#include "collector/destinations/destinations.h"
#include "collector/kernel/kernel.h"
#include "collector/proxies/proxies.h"
#include "lib/process/process.h"
#include "lib/snapshot/snapshot.h"

struct ring_buffer;

struct collector {
	const struct child *child;
	struct kernel kernel;
	struct proxies proxies;
	struct destinations destinations;
	struct ring_buffer *events; /* NULL until the kernel side is loaded */
	int events_error;	    /* why they are not read, as it was logged; 0 */
	int epoll;
	int signals;
	int timer;
	bool ending;  /* SIGTERM of the supervisor: the whole exporter ends */
	bool leaving; /* SIGTERM of somebody else: only this process ends */

	uint64_t load_at_ns; /* the next attempt, while the kernel side is not loaded */
	unsigned int load_failures;
	uint64_t misses[KERNEL_LINK_MAX];
	uint64_t published_ns;
	uint64_t unknown_listeners_lost; /* by the last look at them */
	struct health_proxy *health;	 /* as it is published: --proxies.max of them */
	uint64_t memory_bytes;		 /* of maps and programs: refreshed by the tick */
	uint64_t memory_at_ns;

	struct snapshot_builder builder;
	uint32_t *names; /* of the proxies, in the snapshot in the making */
	void *block;	 /* the snapshot memfd */
	size_t block_bytes;
};

/* Answers what web asks for. Never blocks. */
void collector_answer(struct collector *c);

/* Reads everything into c->builder. `mask`: bits of enum config_collector, and SNAPSHOT_HISTORY. */
void collector_read(struct collector *c, uint32_t mask);

/* Adds the families about the exporter that the collector knows. */
void collector_read_self_metrics(struct collector *c);
