/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of the collector: the last minutes, requests by client, destinations, and the DNS messages
 * that name them. Part of abi.h, which includes this header.
 */
#pragma once

#include <wgsocks/abi.h>

/*
 * Map `windows`: slot → total requests at the end of each second, for the rate of the last minute.
 * The collector writes it.
 */
#define ABI_WINDOW_SECONDS 64
struct window_sample {
	__u64 second; /* CLOCK_MONOTONIC; 0: no sample yet */
	__u64 requests;
};
struct window {
	struct window_sample samples[ABI_WINDOW_SECONDS]; /* at second % ABI_WINDOW_SECONDS */
};

/*
 * Map `rates`: slot → rings of totals at equal steps of CLOCK_MONOTONIC, for the metrics of the
 * last minutes. The collector writes it. Totals begin at 0 with the ring and never fall. `ahead` is
 * the value of a counter minus the total in the ring. Counts are the low 32 bits, since only their
 * differences are used.
 */
#define ABI_RATE_SECONDS 640 /* 10 minutes in steps of 1 s, and 40 steps before the window */
#define ABI_RATE_STEPS 64    /* 5 minutes in steps of 5 s, and 4 steps before the window */
#define ABI_RATE_STEP_SECONDS 5
struct rate_counts {
	__u32 successes;
	__u32 failures;
	__u32 closed;			       /* client connections that ended */
	__u32 connects[ABI_HISTOGRAM_BUCKETS]; /* upstream connects by duration */
	__u64 closed_ns;		       /* sum of the durations of `closed` */
};
struct rate_totals {
	__u64 received; /* inner bytes, of all tunnels */
	struct rate_counts counts;
};
struct rates {
	__u32 generation; /* of the slot */
	__u32 reserved;
	__u64 begun_ns; /* 0: the ring is empty */
	__u64 read_ns;	/* when `last` was read */
	struct rate_totals last;
	struct rate_totals ahead;
	__u64 received[ABI_RATE_SECONDS];	   /* at second % ABI_RATE_SECONDS */
	struct rate_counts counts[ABI_RATE_STEPS]; /* at step % ABI_RATE_STEPS */
};

/*
 * Map `clients`: slot → requests by client address, in the order of the first requests. Requests of
 * further clients count in requests_unattributed of struct proxy_counters. An array that is
 * searched, not a hash: its length limits the number of series.
 */
#define ABI_CLIENTS_MAX 50
struct client_requests {
	__u8 address[16] __attribute__((aligned(8)));
	__u64 requests;
};
struct client_table {
	struct bpf_spin_lock lock;
	__u32 used;
	struct client_requests clients[ABI_CLIENTS_MAX];
};

/*
 * ---- destinations ----
 *
 * Map `destinations`: slot × buckets of a proxy + (abi_destination_hash(address) & (buckets of a
 * proxy - 1)) → struct destination_bucket. One look-up in an array (2 ns; 40 ns in a hash) finds
 * the counted addresses and the candidates. The collector writes the addresses of `ways`, in order
 * and once each, and reads `candidates`. The programs write the rest.
 */
#define ABI_DESTINATION_WAYS 6
#define ABI_CANDIDATE_WAYS 4
#define ABI_DESTINATIONS_MAX 10000 /* upper limit of --destinations.max */

struct destination_count {
	__u8 address[16] __attribute__((aligned(8))); /* 0: free, as are all later ways */
	struct direction_counts bytes;
};

/*
 * One of the heaviest addresses without a series. `weight`: bytes of this address minus bytes of
 * addresses that are not candidates; see destination_nominate.
 */
struct destination_candidate {
	__u8 address[16] __attribute__((aligned(8)));
	__u64 weight;
};

struct destination_bucket {
	struct destination_count ways[ABI_DESTINATION_WAYS];
	struct destination_candidate candidates[ABI_CANDIDATE_WAYS];
};

/*
 * Returns a hash of 28 bits. The first multiplier is 2^64 divided by the golden ratio, the others
 * are primes of xxHash64.
 */
static inline __u32 abi_destination_hash(__u64 high, __u64 low)
{
	__u64 h = high * 0x9E3779B97F4A7C15ULL ^ low * 0xC2B2AE3D27D4EB4FULL;

	h ^= h >> 29;
	h *= 0x165667B19E3779F9ULL;
	return (__u32)(h >> 36);
}

/*
 * Map `destination_entries`: slot × --destinations.max + order of promotion → this. Used by the
 * collector only.
 */
#define ABI_DESTINATION_LABEL_SIZE 256
#define ABI_COUNTRY_SIZE 8
struct destination_entry {
	__u8 address[16] __attribute__((aligned(8))); /* 0: free */
	__u32 way_index;		/* bucket of the proxy × ABI_DESTINATION_WAYS + way */
	__u32 series;			/* the first entry with this label */
	struct direction_counts since;	/* its counts when it got this country */
	char country[ABI_COUNTRY_SIZE]; /* "": not looked up yet */
	char label[ABI_DESTINATION_LABEL_SIZE];
};

/*
 * Map `destination_countries`: slot × ABI_COUNTRIES_MAX + n → bytes that destinations counted in
 * this country before they moved to another.
 */
#define ABI_COUNTRIES_MAX 256
struct destination_country {
	char code[ABI_COUNTRY_SIZE]; /* "": free */
	struct direction_counts bytes;
};

/* Ring buffer `answers`: DNS messages, for the names of destinations; cut to ABI_ANSWER_MAX. */
#define ABI_ANSWERS_BYTES 131072
#define ABI_ANSWER_MAX 1232 /* the usual limit of EDNS (dnsflagday.net/2020) */
struct answer {
	__u8 peer[16]; /* address of the resolver, IPv4 mapped */
	__u32 slot;
	__u16 port;	/* the local port, host order */
	__u8 direction; /* enum abi_direction: answers are received, questions sent */
	__u8 reserved;
	__u32 length;
	__u8 message[ABI_ANSWER_MAX];
	__u32 reserved2;
};

ABI_ASSERT_SIZE(rate_counts, 88);
ABI_ASSERT_SIZE(rates, 10968);
ABI_ASSERT_SIZE(client_table, 1208);
ABI_ASSERT_SIZE(destination_bucket, 288);
ABI_ASSERT_SIZE(destination_entry, 304);
ABI_ASSERT_SIZE(destination_country, 24);
ABI_ASSERT_SIZE(answer, 1264);
