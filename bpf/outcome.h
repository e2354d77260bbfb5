/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting a request and how it ended: used by the packet side and by the socket side. */
#ifndef WGSOCKS_BPF_OUTCOME_H
#define WGSOCKS_BPF_OUTCOME_H

#include "histogram.h"
#include "maps.h"
#include "socks.h"

static __always_inline void request_count(struct proxy_counters *c, __u32 command)
{
	if (command < ABI_COMMAND_MAX)
		COUNT(c->requests[command]);
}

/* Counts how a request ended. */
static __always_inline void dialogue_settle(struct dialogue *d, __u32 verdict, __u64 duration_ns,
					    struct proxy_counters *c)
{
	__u32 failure = verdict - SOCKS_VERDICT_FAILURE;

	d->settled = 1;
	if (verdict == SOCKS_VERDICT_SUCCESS) {
		COUNT(c->successes);
		histogram_observe(&c->request_duration[ABI_OUTCOME_SUCCESS], ABI_BOUNDS_LATENCY, duration_ns);
	} else if (failure < ABI_FAILURE_MAX) {
		COUNT(c->failures[failure]);
		histogram_observe(&c->request_duration[ABI_OUTCOME_FAILURE], ABI_BOUNDS_LATENCY, duration_ns);
	}
}

static __always_inline __u64 dialogue_age(const struct dialogue *d, __u64 now)
{
	return d->request_ns && d->request_ns < now ? now - d->request_ns : 0;
}

#endif
