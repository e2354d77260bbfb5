/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of addresses, learned from DNS answers whose question was seen before. Memory is bounded:
 * the least recently used names are dropped.
 */
#pragma once

#include "collector/destinations/dns_answer.h"
#include <wgsocks/abi.h>

struct names; /* NULL until the first name */

/*
 * Handles a message of the ring buffer. Allocates on first use; without memory it learns nothing.
 */
void names_message(struct names **names, const struct answer *message, size_t size);

/*
 * Returns the first name that resolved to the address; NULL if there is none that can be a label.
 */
const char *names_find(struct names *names, const __u64 address[2]);

void names_free(struct names **names);
