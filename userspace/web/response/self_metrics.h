/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the exporter that the web process adds without the collector. */
#pragma once

#include <sys/types.h>

#include "lib/process/process.h"
#include "lib/snapshot/snapshot.h"
#include "web/request/gate.h"

/* X(enumerator, status): the HTTP status of a scrape. */
#define SCRAPE_STATUSES(X)   \
	X(SCRAPE_OK, 200)    \
	X(SCRAPE_BAD, 400)   \
	X(SCRAPE_ERROR, 500) \
	X(SCRAPE_BUSY, 503)

#define SCRAPE_CODE_(id, status) id,
enum scrape_code { SCRAPE_STATUSES(SCRAPE_CODE_) SCRAPE_CODES };
#undef SCRAPE_CODE_

/* The CPU clock of a process, looked up once for each pid. */
struct process_clock {
	int32_t pid;
	clockid_t clock;
};

struct self_metrics {
	const struct config *config;
	const struct shared *shared;
	uint64_t max_fds;
	uint64_t codes[SCRAPE_CODES]; /* scrapes answered, by HTTP status */
	uint64_t in_flight;	      /* scrapes being answered */
	struct process_clock clocks[PROCESS_MAX];
	const uint64_t *refused; /* by enum refusal */
	bool config_failed;	 /* a configuration that webconfig validated could not be loaded */
	time_t certificate_expiry; /* 0: no TLS */
	uint64_t cpu_ns;	   /* last value: a counter must never decrease */
};

/* The HTTP status of a code, the value of the label `code`. */
unsigned int scrape_status(enum scrape_code code);

/*
 * Empties the builder and adds all metrics. For each bit in `failed` (enum config_collector), adds
 * collector_success 0.
 */
void self_metrics_fill(struct self_metrics *self, struct snapshot_builder *b, uint32_t failed);
