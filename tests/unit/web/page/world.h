/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of proxies as the collector writes them, and the page built from them. */
#pragma once

#include "web/page/page.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lib/metrics/metrics.h"

#define NOW 100000000000ull
#define TIME 1700000000ull

static struct config config;
static struct shared *board;
static struct snapshot_builder self_samples, samples;

static void world_init(void)
{
	strcpy(config.telemetry_path, "/metrics");
	strcpy(config.interface, "wg0");
	strcpy(config.health.text, ":9999");
	config.health_enabled = true;
	config.proxies_max = 500;
	config.collectors = COLLECTOR_DEFAULT;
	board = shared_create(500);
	cr_assert_not_null(board);
	board->processes[PROCESS_COLLECTOR].heartbeat_ns = NOW;
}

static void add_word(unsigned int family, uint32_t name, const char *word, uint64_t value)
{
	uint32_t labels[] = { name, snapshot_string(&samples, word) };

	snapshot_add_unsigned(&samples, family, labels, value);
}

/* A working proxy, busy if `busy` is above 0. Returns its name. */
static uint32_t add_proxy(const char *called, unsigned int busy)
{
	uint32_t name = snapshot_string(&samples, called), wg0 = snapshot_string(&samples, "wg0");
	uint32_t labels[5] = { name, wg0 };
	struct sample_history *history = snapshot_add_history(&samples, name);

	history->known = SNAPSHOT_STEPS;
	for (unsigned int i = 0; busy && i < SNAPSHOT_STEPS; i++) {
		history->successful[i] = busy * 100 + (i * 7919 + busy * 31) % 997;
		history->failed[i] = (i * 104729 + busy) % 97;
		history->received[i] = (uint64_t)history->successful[i] * 123457;
	}
	snapshot_add_unsigned(&samples, METRIC_PROXY_INFO, &name, 1);
	snapshot_add_unsigned(&samples, METRIC_PROXY_LISTENER_UP, &name, 1);
	snapshot_add_unsigned(&samples, METRIC_VPN_STATUS, &name, 1);
	snapshot_add_unsigned(&samples, METRIC_PROXY_ACTIVE, &name, busy * 11);
	snapshot_add_unsigned(&samples, METRIC_PROXY_REQUEST_RATE, &name, busy * 1234);
	snapshot_add_unsigned(&samples, METRIC_PROXY_BYTES, &name, 28596080);
	add_word(METRIC_PROXY_REQUESTS, name, "connect", busy * 700);
	add_word(METRIC_PROXY_REQUESTS, name, "bind", busy * 7);
	snapshot_add_unsigned(&samples, METRIC_VPN_INTERFACE_UP, labels, 1);
	labels[2] = snapshot_string(&samples, "up");
	snapshot_add_unsigned(&samples, METRIC_VPN_TUNNEL_STATE, labels, 1);
	labels[2] = snapshot_string(&samples, "KEY=");
	labels[3] = snapshot_string(&samples, "203.0.113.5");
	labels[4] = snapshot_string(&samples, "0.0.0.0/0");
	snapshot_add_unsigned(&samples, METRIC_VPN_PEER_INFO, labels, 1);
	snapshot_add_unsigned(&samples, METRIC_VPN_PEER_HANDSHAKE, labels, TIME - 43);
	return name;
}

/* The last sample counts: the tunnel is in this state, and usable or not. */
static void set_state(uint32_t name, const char *state, bool usable)
{
	uint32_t labels[] = { name, snapshot_string(&samples, "wg0"),
			      snapshot_string(&samples, state) };

	snapshot_add_unsigned(&samples, METRIC_VPN_TUNNEL_STATE, labels, 1);
	snapshot_add_unsigned(&samples, METRIC_VPN_STATUS, &name, usable);
}

static const char *page_of(const char *proxy, bool answered)
{
	static struct text text;
	struct snapshot parts[2];
	struct page_source source = { &config, board, parts, answered ? 2 : 1, proxy, NOW, TIME };

	cr_assert_eq(samples.error, 0);
	snapshot_view(&parts[0], &self_samples);
	snapshot_view(&parts[1], &samples);
	text_reset(&text);
	cr_assert_eq(page_write(&text, &source), 0);
	text_add(&text, "", 1);
	return text.data;
}

static const char *page(void)
{
	return page_of(NULL, true);
}

#define EXPECT_SAYS(text, words) \
	cr_expect_not_null(strstr(text, words), "not said: %s in\n%s", words, strstr(text, "<main"))
#define EXPECT_NOT(text, words) cr_expect_null(strstr(text, words), "said: %s", words)
