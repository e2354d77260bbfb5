/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of the collector, shared by its loop (collector.c) and its answers (answer.c,
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
	int events_error;	    /* last error that was logged; 0: none */
	int epoll;
	int signals;
	int timer;
	bool ending;  /* SIGTERM from the supervisor: the whole exporter ends */
	bool leaving; /* SIGTERM from another process: only this process ends */

	uint64_t load_at_ns; /* next attempt to load the kernel side */
	unsigned int load_failures;
	uint64_t misses[KERNEL_LINK_MAX];
	uint64_t published_ns;
	struct skipped_events events_skipped; /* of all unwatched network namespaces */
	unsigned int events_taken;	      /* since the last look at everything else */
	struct health_proxy *health;	      /* as published; --proxies.max elements */
	uint64_t memory_bytes;		      /* of maps and programs; updated by the tick */
	uint64_t memory_at_ns;

	struct snapshot_builder builder;
	uint32_t *names; /* names of the proxies, as offsets into the snapshot being built */
	void *block;	 /* the snapshot memfd */
	size_t block_bytes;
};

/* Answers the request of web. Never blocks. */
void collector_answer(struct collector *c);

/* Reads everything into c->builder. `mask`: bits of enum config_collector and SNAPSHOT_HISTORY. */
void collector_read(struct collector *c, uint32_t mask);

/* Adds the families about the exporter that the collector knows. */
void collector_read_self_metrics(struct collector *c);
