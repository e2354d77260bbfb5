/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in the format of Prometheus. Each function writes at most NUMBER_MAX bytes without NUL
 * and returns the end.
 */
#pragma once

#include <stdint.h>

#define NUMBER_MAX 32

char *number_unsigned(char *to, uint64_t value);

/* Writes nanoseconds as decimal seconds, exactly and without trailing zeros: 2500000 is 0.0025. */
char *number_seconds(char *to, uint64_t ns);

/* Writes the shortest decimal that reads back as the same double; NaN, +Inf, -Inf. */
char *number_float(char *to, double value);
