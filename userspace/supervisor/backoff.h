/* SPDX-License-Identifier: Apache-2.0 */
/* How soon a child that died is started again. */
#pragma once

#include <stdint.h>

#include <wgsocks/time.h>

/* A child that lived this long starts with a clean sheet. */
#define BACKOFF_RESET_NS (5 * NS_PER_S)

/*
 * Delay before the next start after `failures` short lives in a row (1: the first): 0, 0, 100, 200, 400, 800, 800 … ms,
 * so that each is back within a second; 10 s after 30 of them, when the cause is unlikely to pass by itself.
 */
uint64_t backoff_delay_ns(unsigned int failures);
