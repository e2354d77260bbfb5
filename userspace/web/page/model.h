/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of the page, read from the samples: one struct for each proxy and one for the exporter.
 * Strings belong to the snapshots, which must outlive the model. snapshot_open checked the samples'
 * structure; their values are not trusted.
 */
#pragma once

#include "lib/metrics/tunnel.h"
#include "web/page/page.h"

#define PAGE_TOP 6
#define PAGE_ATTACHED 8

/* The names with the highest counts, highest first; `rest` is the sum of all others. */
struct page_top {
	struct page_top_entry {
		const char *what;
		uint64_t count;
	} entries[PAGE_TOP];
	unsigned int count;
	uint64_t rest;
};

struct page_tunnel {
	const char *interface;
	enum tunnel_state state; /* TUNNEL_STATE_MAX: unknown */
	bool up;
	uint32_t peers;
	const char *peer;   /* the address of one of them */
	uint64_t handshake; /* last one with any peer, seconds since the Unix epoch; 0: never */
	uint64_t keepalive;
	uint64_t begun,
		answered; /* handshakes started by this side; how many of them were answered */
};

/* Numbers of a proxy; totals start when the exporter first sees it. */
enum page_number {
	PAGE_ACTIVE,
	PAGE_RATE, /* requests in the last minute */
	PAGE_REQUESTS,
	PAGE_SUCCESSFUL,
	PAGE_FAILED,
	PAGE_CLIENTS, /* connections accepted */
	PAGE_UPSTREAM_ACTIVE,
	PAGE_UPSTREAM_CONNECTS,
	PAGE_BYTES,
	PAGE_RECEIVED,
	PAGE_SENT,
	PAGE_LEAKED,
	PAGE_LEAKED_DNS,
	PAGE_DNS_QUERIES,
	PAGE_DNS_UNANSWERED,
	PAGE_NUMBERS
};

struct page_proxy {
	const char *name;
	uint32_t offset; /* of its name in the strings of the snapshot */
	bool listener_up, usable;
	uint32_t known; /* bits of enum page_number */
	uint64_t numbers[PAGE_NUMBERS];
	double latency_ms; /* negative: none */
	struct page_tunnel tunnels[ABI_TUNNELS_MAX];
	unsigned int tunnel_count;
	struct page_top failures, upstream_failures, destinations;
	uint64_t destination_received; /* receive sample, kept until its transmit sample follows */
	uint32_t destination;	       /* label of that sample */
	const char *attached[PAGE_ATTACHED], *attach_mode[PAGE_ATTACHED];
	unsigned int attached_count; /* may exceed PAGE_ATTACHED: the rest is not stored */
	uint32_t sources_failed;     /* bits of enum config_collector */
	const char *kubernetes_namespace, *pod;
	const struct sample_history *history; /* NULL: none */
	uint64_t ended, failed;		      /* requests in the history */
};

struct page_exporter {
	struct page_top programs_down, lost, restarts,
		not_listening; /* not_listening: configured addresses without a socket */
	unsigned int programs;
	uint64_t lost_total;
	uint32_t collectors_failed;
	bool pinned;
	uint64_t unwatched, kernel_bytes, resident_bytes;
	double started; /* seconds since the Unix epoch */
};

struct page_model {
	struct page_proxy *proxies,
		**by_offset; /* sorted by the offset of the name; NULL without a snapshot */
	uint32_t count;
	bool answered; /* the collector answered; false: the data is from the health board */
	struct page_exporter exporter;
	struct health_proxy *board; /* copy of the health board, owns the names; NULL: none */
};

static inline bool page_has(const struct page_proxy *p, enum page_number number)
{
	return p->known & 1u << number;
}

/* Fills *model. Returns 0 or -ENOMEM; call model_free in both cases. */
int model_fill(struct page_model *model, const struct page_source *source);
void model_free(struct page_model *model);
