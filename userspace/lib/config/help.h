/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options as argp and as a reader of --help sees it. */
#pragma once

#include <stdbool.h>

#include "lib/config/option.h"

enum {
	HELP_KEY_HELP = 'h', /* the only one with a short form */
	HELP_KEY_VERSION = 0x100,
	HELP_KEY_METRICS,
	HELP_KEY_ROWS = 0x200, /* two for each row: --FLAG and --no-FLAG */
};

/* argp's own keys (ARGP_KEY_…) lie above. */
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

/* The options for argp, made from the table; the caller frees them. NULL: out of memory. */
struct argp_option *help_options(void);

/* Whether `argument` is the flag of a row that takes a value (then it was given none). */
bool help_flag_known(const char *argument);

/* Whether the argument is --help, --help-metrics or --version with a value. */
bool help_flag_refuses_value(const char *argument);

/*
 * The whole name of the flag of a key, without "--", until the next call; NULL: no flag has this
 * key.
 */
const char *help_flag_name(int key);

/*
 * The one name, without "--", that `argument` probably means, until the next call; NULL: none, or
 * several.
 */
const char *help_flag_nearest(const char *argument);

/* "log.level" → "WGSOCKS_LOG_LEVEL". */
#define HELP_VARIABLE_SIZE 64
void help_variable(char out[static HELP_VARIABLE_SIZE], const char *flag);

/* Prints --help to standard output. */
void help_write(void);
