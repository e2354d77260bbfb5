/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as Prometheus reads them. Each writes at most NUMBER_MAX bytes, no NUL, and returns the
 * end.
 */
#pragma once

#include <stdint.h>

#define NUMBER_MAX 32

char *number_unsigned(char *to, uint64_t value);

/*
 * Nanoseconds as decimal seconds, every digit that counts and none that does not: 2500000 is
 * 0.0025.
 */
char *number_seconds(char *to, uint64_t ns);

/* The shortest decimal that reads back as the same double; NaN, +Inf, -Inf. */
char *number_float(char *to, double value);
