// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/proxies.h"

#include "collector/discovery/listeners.h"
#include "collector/kernel/reconcile.h"
#include "collector/proxy_netns/netns_enter.h"
#include "lib/log/log.h"
#include "lib/time.h"

#define PERIOD_NS (5 * NS_PER_S)
#define COST_FACTOR 200 /* a pause of this many run durations */

static void run(struct proxies *proxies, struct managed_proxy *p)
{
	uint64_t begun = clock_now_ns(), now;
	unsigned int suspects = 0;
	int ended;

	if (proxy_netns_enter(&p->netns))
		return;
	ended = reconcile_run(proxies->kernel, p->netns.slot, &suspects);
	proxy_netns_leave(&p->netns);
	now = clock_now_ns();
	p->reconcile_at_ns = now + (suspects ? RECONCILE_SUSPECT_AGE_NS : PERIOD_NS);
	proxies->reconcile_pause_ns = now + COST_FACTOR * (now - begun);
	if (ended > 0)
		log_warn("closed sessions whose end was missed and counted them as lost",
			 field_text("proxy", p->netns.name), field_signed("count", ended));
	else if (ended < 0)
		log_warn("cannot compare sessions with sockets", field_text("proxy", p->netns.name),
			 field_error(ended));
}

/*
 * Skips a proxy without connections, as most on a node are at first. A run walks all sockets of the
 * machine (1 to 2 ms and more).
 */
static void run_new_ports(struct proxies *proxies, struct managed_proxy *p)
{
	bool alone;

	if (proxy_netns_enter(&p->netns))
		return;
	alone = listeners_alone();
	proxy_netns_leave(&p->netns);
	if (!alone)
		run(proxies, p);
}

bool reconcile_new_ports(struct proxies *proxies)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		struct managed_proxy *p = proxies->managed[i];

		if (!p->netns.started || !p->netns.ports_added)
			continue;
		p->netns.ports_added = false;
		run_new_ports(proxies, p);
		return true;
	}
	return false;
}

static bool has_sessions(const struct proxies *proxies, const struct managed_proxy *p)
{
	const struct proxy_counters *c = &proxies->kernel->counters[p->netns.slot];

	return c->client_active || c->upstream_active || c->upstream_pending;
}

void reconcile_tick(struct proxies *proxies, bool missed, uint64_t now_ns)
{
	if (missed) {
		for (uint32_t i = 0; i < proxies->count; i++)
			proxies->managed[i]->reconcile_at_ns = 0;
	}
	if (now_ns < proxies->reconcile_pause_ns)
		return;
	for (uint32_t i = 0; i < proxies->count; i++) {
		struct managed_proxy *p =
			proxies->managed[proxies->reconcile_cursor++ % proxies->count];

		if (!p->netns.started || now_ns < p->reconcile_at_ns || !has_sessions(proxies, p))
			continue;
		run(proxies, p);
		return;
	}
}
