/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names by which addresses were asked for: from answers to questions that went the same way
 * before. Bounded: the least recently used names are forgotten.
 */
#pragma once

#include "collector/destinations/dns_answer.h"
#include <wgsocks/abi.h>

struct names; /* NULL until there is one */

/*
 * Takes a message of the ring buffer in. Allocates on first use; without memory nothing is learned.
 */
void names_message(struct names **names, const struct answer *message, size_t size);

/*
 * The first name by which the address was asked for; NULL when there is none that could be a label.
 */
const char *names_find(struct names *names, const __u64 address[2]);

void names_free(struct names **names);
