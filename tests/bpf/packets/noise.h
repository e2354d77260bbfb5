/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudo-random numbers and packets, the same for the same seed. */
#pragma once

#include "frame.h"

#define FUZZ_PACKETS 200000
#define FUZZ_BATCH 2000 /* packets between two checks of the counters */

void noise_seed(unsigned long seed);

/* 0 … limit - 1 */
uint32_t noise_below(uint32_t limit);

/* A number from the environment. */
unsigned long noise_setting(const char *name, unsigned long otherwise);

uint32_t noise_gso(void);
struct frame_shape noise_shape(void);

/*
 * Changes some bits or bytes, mostly in the headers; or cuts the packet; or makes it all noise; or
 * nothing.
 */
void noise_mutate(struct frame *frame);
