/* SPDX-License-Identifier: Apache-2.0 */
/* Queries and answers through the programs, with their expected counts. */
#pragma once

#include "cases.h"

/* How a packet travels: its headers, and through the tunnel or not. */
struct dns_way {
	struct frame_shape shape;
	enum abi_path path;
	const char *name;
};
extern const struct dns_way dns_ways[];
#define DNS_WAYS 8

/* The counts that a case expects. All other counters must be 0. */
struct dns_want {
	struct dns_type_counts queries;
	struct dns_rcode_counts responses;
	uint64_t pending, streams, leaked;
	struct loss_counts losses;
};

/*
 * A message of DNS: an answer, if not a query. Returns its length; `type` is not read in an answer.
 */
size_t dns_message(uint8_t *out, uint16_t id, bool answer, uint16_t type, uint8_t rcode);

/* Counters at 0 and both maps empty. */
void dns_begin(struct kernel *kernel);

/* Sends a query or receives an answer unchanged; `gso_size` 0: not merged. */
void dns_send(struct kernel *kernel, const struct dns_way *way, bool answer,
	      const struct frame *frame, uint32_t gso_size);
void dns_check(struct kernel *kernel, const struct dns_way *way, const struct dns_want *want);
