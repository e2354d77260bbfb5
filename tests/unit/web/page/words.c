// SPDX-License-Identifier: Apache-2.0
#include "web/page/samples.h"
#include "web/page/words.h"

#include <criterion/criterion.h>

#define TIME 1700000000ull

static struct page_proxy proxy;
static struct page_reasons reasons;

static void init(void)
{
	proxy = (struct page_proxy){
		.name = "crab", .listener_up = true, .usable = true, .latency_ms = -1
	};
	proxy.tunnels[0] =
		(struct page_tunnel){ .interface = "wg0", .state = TUNNEL_UP, .up = true };
	proxy.tunnel_count = 1;
}

TestSuite(words, .init = init);

static const char *reason(unsigned int i)
{
	if (i >= reasons.count)
		return "";
	text_add(&reasons.reasons[i].text, "", 1);
	return reasons.reasons[i].text.data;
}

/* The text of the first reason of a proxy. */
static const char *first(void)
{
	words_free(&reasons);
	words_proxy(&reasons, &proxy, TIME);
	return reason(0);
}

static void tunnel(enum tunnel_state state, bool usable)
{
	proxy.tunnels[0].state = state;
	proxy.usable = usable;
}

#define EXPECT_FIRST(wanted_level, wanted_brief, wanted_words)                 \
	do {                                                                   \
		cr_expect_str_eq(first(), wanted_words, "%s", first());        \
		cr_expect_eq(words_level(&reasons), wanted_level);             \
		cr_expect_str_eq(words_brief(&reasons, &proxy), wanted_brief); \
	} while (0)

Test(words, all_is_well)
{
	EXPECT_FIRST(PAGE_GOOD, "Works", "");
	tunnel(TUNNEL_IDLE, true);
	EXPECT_FIRST(PAGE_GOOD, "Works, idle", "");
	tunnel(TUNNEL_NEVER, true);
	EXPECT_FIRST(PAGE_GOOD, "Works, unused", "");
	tunnel(TUNNEL_STATE_MAX, true);
	EXPECT_FIRST(PAGE_GOOD, "Works", "");
}

Test(words, tunnels)
{
	tunnel(TUNNEL_NO_INTERFACE, false);
	EXPECT_FIRST(PAGE_TROUBLE, "Tunnel down",
		     "The interface wg0 is missing or down: no traffic can use it.");
	tunnel(TUNNEL_NO_PEER, false);
	EXPECT_FIRST(PAGE_TROUBLE, "No peer", "wg0 has no peer: no traffic can use it.");
	tunnel(TUNNEL_STALE, false);
	EXPECT_FIRST(PAGE_TROUBLE, "Peer silent",
		     "The peer of wg0 does not answer; no handshake has been seen. Packets enter "
		     "the tunnel, none come back.");
	proxy.tunnels[0].handshake = TIME - 250;
	EXPECT_FIRST(PAGE_TROUBLE, "Peer silent",
		     "The peer of wg0 does not answer; the last handshake was 4 min ago. Packets "
		     "enter the tunnel, none come back.");
	proxy.tunnels[0].handshake = TIME + 250; /* a clock that was put back */
	cr_expect_not_null(strstr(first(), "was 0 s ago"));
	tunnel(TUNNEL_STATE_MAX, false);
	proxy.tunnels[0].up = false;
	EXPECT_FIRST(PAGE_TROUBLE, "Tunnel down",
		     "The interface wg0 cannot be used: it is missing or down.");
}

Test(words, one_of_two_tunnels)
{
	tunnel(TUNNEL_STALE, true);
	first();
	cr_expect_eq(words_level(&reasons), PAGE_WARNING);
}

Test(words, listener)
{
	proxy.listener_up = false;
	EXPECT_FIRST(PAGE_TROUBLE, "SOCKS server down",
		     "No SOCKS server is listening: new clients are refused.");
	proxy.known = 1u << PAGE_ACTIVE;
	proxy.numbers[PAGE_ACTIVE] = 3;
	EXPECT_FIRST(PAGE_TROUBLE, "SOCKS server down",
		     "No SOCKS server is listening: new clients are refused. 3 connections are "
		     "still open.");
	tunnel(TUNNEL_NO_PEER, false);
	cr_expect_str_eq(first(), "wg0 has no peer: no traffic can use it.",
			 "the cause comes first");
	cr_expect_eq(reasons.count, 2);
}

Test(words, failing)
{
	proxy.ended = proxy.failed = PAGE_FAILED_MIN - 1;
	EXPECT_FIRST(PAGE_GOOD, "Works", "");
	proxy.ended = 60;
	EXPECT_FIRST(PAGE_GOOD, "Works", "");
	proxy.failed = PAGE_FAILED_MIN;
	EXPECT_FIRST(PAGE_WARNING, "Requests failing",
		     "20 of 60 requests completed in the last 5 minutes failed (33 %).");
	proxy.ended = 12000;
	proxy.failed = 3000;
	EXPECT_FIRST(PAGE_GOOD, "Works", "");
	proxy.failed = 4000;
	EXPECT_FIRST(PAGE_WARNING, "Requests failing",
		     "4,000 of 12,000 requests completed in the last 5 minutes failed (33 %).");
	page_top_add(&proxy.failures, "host_unreachable", 7);
	page_top_add(&proxy.failures, "connection_refused", 70);
	proxy.failed = 12000;
	EXPECT_FIRST(PAGE_TROUBLE, "Requests failing",
		     "12,000 of 12,000 requests completed in the last 5 minutes failed (100 %). "
		     "Most common reason since counting started: connection_refused.");
}

Test(words, leaks)
{
	proxy.numbers[PAGE_LEAKED] = 1;
	cr_expect_not_null(strstr(first(), "1 connection bypassed the tunnel"), "%s", first());
	proxy.numbers[PAGE_LEAKED_DNS] = 2;
	cr_expect_not_null(strstr(first(), "1 connection and 2 DNS queries bypassed"), "%s",
			   first());
	cr_expect_str_eq(reasons.reasons[0].runbook, "ProxyLeak");
	proxy.numbers[PAGE_LEAKED] = 0;
	cr_expect_not_null(strstr(first(), "2 DNS queries bypassed"), "%s", first());
	cr_expect_str_eq(reasons.reasons[0].runbook, "ProxyDnsLeak");
}

/* With any number of problems at once. */
Test(words, have_room)
{
	for (unsigned int i = 0; i < ABI_TUNNELS_MAX; i++)
		proxy.tunnels[i] =
			(struct page_tunnel){ .interface = "wg0", .state = TUNNEL_STALE };
	proxy.tunnel_count = ABI_TUNNELS_MAX;
	proxy.usable = proxy.listener_up = false;
	proxy.numbers[PAGE_LEAKED] = proxy.ended = proxy.failed = 100;
	proxy.sources_failed = 1u << COLLECTOR_DNS | 1u << COLLECTOR_COST;
	first();
	cr_expect_eq(reasons.count, ABI_TUNNELS_MAX + 4);
	cr_expect_str_eq(reason(reasons.count - 1), "Collectors failing: dns, cost. Their numbers "
						    "are missing; the log gives the reason.");
}

static struct page_model model = { .answered = true };

static const char *of_exporter(unsigned int i)
{
	words_free(&reasons);
	words_exporter(&reasons, &model, 17);
	return reason(i);
}

Test(words, exporter)
{
	struct page_exporter *e = &model.exporter;

	cr_expect_str_eq(of_exporter(0), "");
	model.proxies = &proxy;
	model.count = 1;
	page_top_add(&e->programs_down, "tunnel", 1);
	cr_expect_str_eq(of_exporter(0), "BPF programs are not attached: tunnel. Their counts "
					 "are missing; the log gives the reason.");
	proxy.tunnels[0].up = false;
	cr_expect_str_eq(of_exporter(0), "", "no tunnel, no program");
	page_top_add(&e->lost, "parse", 2000);
	page_top_add(&e->lost, "insert", 1);
	e->lost_total = 2001;
	cr_expect_str_eq(of_exporter(0), "2,001 events could not be counted (parse, insert): "
					 "numbers may be too low by this count.");
	e->collectors_failed = 1u << COLLECTOR_WIREGUARD | 1u << COLLECTOR_DNS;
	proxy.sources_failed = 1u << COLLECTOR_WIREGUARD;
	cr_expect_str_eq(of_exporter(0), "Collectors failing: dns.");
	model.answered = false;
	cr_expect_not_null(strstr(of_exporter(0), "last known state, 17 s ago"));
}

Test(words, top)
{
	struct page_top top = { 0 };

	for (unsigned int i = 0; i < 2 * PAGE_TOP; i++)
		page_top_add(&top, i % 2 ? "odd" : "even", i);
	cr_expect_eq(top.count, PAGE_TOP);
	cr_expect_eq(top.entries[0].count, 2 * PAGE_TOP - 1);
	cr_expect_eq(top.entries[PAGE_TOP - 1].count, PAGE_TOP);
	cr_expect_eq(top.rest, 1 + 2 + 3 + 4 + 5);
}
