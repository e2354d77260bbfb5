/* SPDX-License-Identifier: Apache-2.0 */
/* The options table for argp, and the output of --help. */
#pragma once

#include <stdbool.h>

#include "lib/config/option.h"

enum {
	HELP_KEY_HELP = 'h', /* the only one with a short form */
	HELP_KEY_VERSION = 0x100,
	HELP_KEY_METRICS,
	HELP_KEY_ROWS = 0x200, /* two keys for each row: --FLAG and --no-FLAG */
};

/* Whether a key belongs to a row. argp's own keys (ARGP_KEY_…) are above. */
static inline bool help_key_of_row(int key)
{
	return key >= HELP_KEY_ROWS && key < HELP_KEY_ROWS + 2 * (int)OPTION_COUNT;
}

static inline unsigned int help_key_row(int key)
{
	return (unsigned int)(key - HELP_KEY_ROWS) / 2;
}

static inline bool help_key_negated(int key)
{
	return key & 1;
}

struct argp_option;

/* The options for argp, built from OPTION_ROWS; the caller frees them. NULL: out of memory. */
struct argp_option *help_options(void);

/* Whether `argument` is a flag that takes a value, written without one. */
bool help_flag_known(const char *argument);

/* Whether the argument is --help, --help-metrics or --version with a value. */
bool help_flag_refuses_value(const char *argument);

/*
 * The full name of the flag with this key, without "--". NULL: no such flag. Valid until the next
 * call.
 */
const char *help_flag_name(int key);

/*
 * The flag, without "--", that is most similar to `argument`. NULL: none, or several. Valid until
 * the next call.
 */
const char *help_flag_nearest(const char *argument);

/* "log.level" → "WGSOCKS_LOG_LEVEL". */
#define HELP_VARIABLE_SIZE 64
void help_variable(char out[static HELP_VARIABLE_SIZE], const char *flag);

/* Prints --help to standard output. */
void help_write(void);
