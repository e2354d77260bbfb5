/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the page says, taken out of the samples: one struct a proxy, and what is known of the
 * exporter itself. Strings are those of the snapshots. The samples were checked (snapshot_open),
 * but their numbers may be anything.
 */
#pragma once

#include "lib/metrics/tunnel.h"
#include "web/page/page.h"

#define PAGE_TOP 6
#define PAGE_ATTACHED 8

/* Names with the highest numbers, highest first; the numbers of all others are in `rest`. */
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
	enum tunnel_state state; /* TUNNEL_STATE_MAX: not known */
	bool up;
	uint32_t peers;
	const char *peer;   /* the address of one of them */
	uint64_t handshake; /* the last with any, seconds since the Unix epoch; 0: never */
	uint64_t keepalive;
	uint64_t begun,
		answered; /* handshakes that we began, and those of them that were answered */
};

/* Numbers of a proxy; totals are since it was first seen. */
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
	uint32_t offset; /* of its name */
	bool listener_up, usable;
	uint32_t known; /* bits of enum page_number */
	uint64_t numbers[PAGE_NUMBERS];
	double latency_ms; /* negative: none */
	struct page_tunnel tunnels[ABI_TUNNELS_MAX];
	unsigned int tunnel_count;
	struct page_top failures, upstream_failures, destinations;
	uint64_t destination_received; /* of the sample before, which the other direction follows */
	uint32_t destination;	       /* its label */
	const char *attached[PAGE_ATTACHED], *attach_mode[PAGE_ATTACHED];
	unsigned int attached_count; /* may be more than there is room for */
	uint32_t sources_failed;     /* bits of enum config_collector */
	const char *kubernetes_namespace, *pod;
	const struct sample_history *history; /* NULL: none */
	uint64_t ended, failed;		      /* requests in it */
};

struct page_exporter {
	struct page_top programs_down, lost, restarts,
		not_listening; /* not_listening: addresses that it does not listen on */
	unsigned int programs;
	uint64_t lost_total;
	uint32_t collectors_failed;
	bool pinned;
	uint64_t unwatched, kernel_bytes, resident_bytes;
	double started; /* seconds since the Unix epoch */
};

struct page_model {
	struct page_proxy *proxies,
		**by_offset; /* by where their names lie; NULL without a snapshot */
	uint32_t count;
	bool answered; /* by the collector; else this is what the health board knows */
	struct page_exporter exporter;
	struct health_proxy *board; /* NULL, or where the names are */
};

static inline bool page_has(const struct page_proxy *p, enum page_number number)
{
	return p->known & 1u << number;
}

/* Returns 0 or -ENOMEM; model_free in either case. */
int model_fill(struct page_model *model, const struct page_source *source);
void model_free(struct page_model *model);
