/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet programs of the tests: they count marked frames, as tail-call targets and as foreign
 * programs.
 */
#pragma once

#include <stdint.h>

#include "collector/attach/attach.h"
#include <wgsocks/abi.h>

#define COUNTERS_MAX 16
#define VERDICT_NEXT (-1)
#define VERDICT_OK 0

/* A one-element array of {frames, cb[4] of the last one} pairs. */
int counters_create(void);
uint64_t counters_frames(int counters, int index);
uint32_t counters_cb(int counters, int index);
void counters_clear(int counters);

/* A program that adds each marked frame to counters[index]; unmarked frames always pass. */
int counter_load(int counters, int index, int verdict, const char *name);

/* A PROG_ARRAY with the counter `index` at each place `index`. */
int targets_create(int counters);

/* A foreign TCX link at one end of the chain. */
int foreign_tcx(uint32_t ifindex, enum attach_direction direction, int program, bool first);

/*
 * How many of the TCX programs of a direction have this name; *position (may be NULL) is that of
 * the first. -1: no TCX.
 */
int tcx_count(uint32_t ifindex, enum attach_direction direction, const char *name, int *position);
