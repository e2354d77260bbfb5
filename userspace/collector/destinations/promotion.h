/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is to have a series of its own: the candidates that the programs have voted for, heaviest
 * first.
 */
#pragma once

#include "collector/kernel/destination_table.h"

/*
 * The bytes that a candidate must hold for the next place, of `total` in the tunnel so far. The
 * first quarter of the places is free: a handful of destinations are seen each, however little they
 * get. The next ones cost a rising share of all bytes, up to 1/max for the last. So light
 * addresses, however many, take the free quarter and little more (in the first seconds, while
 * nobody is heavy); to fill the rest, more than a quarter of all bytes must have gone to those that
 * took it.
 */
uint64_t promotion_price(uint32_t count, uint32_t max, uint64_t total);

/*
 * Promotes who can pay, heaviest first, and takes them off the candidates. `label` (may be NULL)
 * names an address: NULL for none. Returns how many were promoted.
 */
typedef const char *promotion_label(void *context, const __u64 address[2]);
unsigned int promotion_run(struct destination_table *table, uint64_t total, promotion_label *label,
			   void *context);
