/* SPDX-License-Identifier: Apache-2.0 */
/* The clients' own counts, by the definitions of the metrics. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "kind.h"

struct tally {
	uint64_t connections;
	uint64_t requests[4]; /* by command; 0: unknown */
	uint64_t outcomes[OUTCOME_COUNT];
	uint64_t asked[DEST_COUNT]; /* CONNECT requests by behaviour of the target */
	uint64_t sent, received;    /* on the client's TCP connections */
	uint64_t up, down;	    /* payload, included in the above */
	uint64_t datagrams;	    /* relayed and answered */
	uint32_t *latencies;	    /* µs, request to reply */
	size_t latency_count, latency_room;
};

/* Counts a request with its outcome. Command 0: unknown. */
void tally_request(struct tally *tally, unsigned int command, enum outcome outcome);

void tally_latency(struct tally *tally, uint64_t ns);

/* Adds `from` to `into`. */
void tally_add(struct tally *into, const struct tally *from);

/* Records an unexpected event, with the line of its kind. */
void unexpected_add(const char *event, const struct kind *kind);
uint64_t unexpected_total(void);

/* Prints the tally's fields, without braces around. */
void tally_print(FILE *out, struct tally *tally, double seconds);
void unexpected_print(FILE *out);
