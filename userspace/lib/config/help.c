// SPDX-License-Identifier: Apache-2.0
#include "lib/config/help.h"

#include <argp.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

#define DISTANCE_MAX 2 /* suggest only flags with at most this many wrong characters */

void help_variable(char out[static HELP_VARIABLE_SIZE], const char *flag)
{
	int length = snprintf(out, HELP_VARIABLE_SIZE, "WGSOCKS_%s", flag);

	for (int i = 0; i < length; i++)
		out[i] =
			out[i] == '.' || out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

bool help_flag_known(const char *argument)
{
	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		if (OPTION_ROWS[i].argument && !strncmp(argument, "--", 2) &&
		    !strcmp(argument + 2, OPTION_ROWS[i].flag))
			return true;
	return false;
}

bool help_flag_refuses_value(const char *argument)
{
	static const char *const bare[] = { "--help=", "--help-metrics=", "--version=" };

	for (unsigned int i = 0; i < sizeof(bare) / sizeof(*bare); i++)
		if (!strncmp(argument, bare[i], strlen(bare[i])))
			return true;
	return false;
}

const char *help_flag_name(int key)
{
	static char negated[HELP_VARIABLE_SIZE];

	switch (key) {
	case HELP_KEY_HELP: return "help";
	case HELP_KEY_METRICS: return "help-metrics";
	case HELP_KEY_VERSION: return "version";
	default: break;
	}
	if (!help_key_of_row(key))
		return NULL;
	if (!help_key_negated(key))
		return OPTION_ROWS[help_key_row(key)].flag;
	snprintf(negated, sizeof(negated), "no-%s", OPTION_ROWS[help_key_row(key)].flag);
	return negated;
}

/*
 * The number of characters to add, remove or replace (Levenshtein). UINT_MAX for names longer than
 * any flag.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[HELP_VARIABLE_SIZE];
	size_t columns = strlen(b);

	if (columns >= HELP_VARIABLE_SIZE || strlen(a) >= HELP_VARIABLE_SIZE)
		return UINT_MAX;
	for (unsigned int j = 0; j <= columns; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[columns];
}

/* A prefix of a name counts as one wrong character. */
static unsigned int flag_distance(const char *written, const char *name)
{
	size_t length = strlen(written);

	return length && !strncmp(written, name, length) ? 1 : distance(written, name);
}

const char *help_flag_nearest(const char *argument)
{
	static const int FIXED[] = { HELP_KEY_HELP, HELP_KEY_METRICS, HELP_KEY_VERSION };
	const int fixed = sizeof(FIXED) / sizeof(FIXED[0]), count = fixed + 2 * (int)OPTION_COUNT;
	unsigned int nearest = DISTANCE_MAX + 1;
	char written[HELP_VARIABLE_SIZE];
	int found = 0;

	if (strncmp(argument, "--", 2))
		return NULL;
	snprintf(written, sizeof(written), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
	for (int i = 0; i < count; i++) {
		int key = i < fixed ? FIXED[i] : HELP_KEY_ROWS + i - fixed;
		unsigned int far;

		if (i >= fixed && help_key_negated(key) && OPTION_ROWS[help_key_row(key)].argument)
			continue;
		far = flag_distance(written, help_flag_name(key));
		if (far == nearest)
			found = 0; /* ambiguous: two flags are equally near */
		if (far < nearest) {
			nearest = far;
			found = key;
		}
	}
	return found ? help_flag_name(found) : NULL;
}

static const char *const HEADINGS[] = {
	[OPTION_GROUP_PROXY] = "Proxy selection",     [OPTION_GROUP_COLLECTORS] = "Collectors",
	[OPTION_GROUP_VALUES] = "Collector settings", [OPTION_GROUP_WEB] = "Metrics port",
	[OPTION_GROUP_HEALTH] = "Health port",	      [OPTION_GROUP_BPF] = "BPF programs",
	[OPTION_GROUP_LOG] = "Log (standard error)",
};

/* The name of --no-FLAG: argp needs a string for each. */
static const char *negated_name(char (*names)[32], unsigned int row)
{
	snprintf(names[row], sizeof(names[row]), "no-%.28s", OPTION_ROWS[row].flag);
	return names[row];
}

struct argp_option *help_options(void)
{
	const size_t groups = sizeof(HEADINGS) / sizeof(HEADINGS[0]);
	const size_t count = 2 * (size_t)OPTION_COUNT + groups + 4;
	struct argp_option *options =
		calloc(1, count * sizeof(*options) + OPTION_COUNT * sizeof(char[32]));
	struct argp_option *next = options;
	char(*names)[32] = (char(*)[32])(options + count);
	enum option_group group = 0;

	if (!options)
		return NULL;
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &OPTION_ROWS[i];
		int key = HELP_KEY_ROWS + 2 * (int)i;

		if (row->group != group)
			*next++ = (struct argp_option){ .doc = HEADINGS[row->group],
							.group = row->group };
		group = row->group;
		*next++ = (struct argp_option){
			.name = row->flag,
			.key = key,
			.arg = row->argument ? row->argument : "BOOL",
			.flags = row->argument ? 0 : OPTION_ARG_OPTIONAL,
			.doc = row->help,
			.group = group,
		};
		if (!row->argument) /* hidden: the last line of --help explains --no-FLAG */
			*next++ = (struct argp_option){ .name = negated_name(names, i),
							.key = key + 1,
							.flags = OPTION_ALIAS | OPTION_HIDDEN };
	}
	*next++ = (struct argp_option){
		.name = "help", .key = HELP_KEY_HELP, .doc = "Print this help", .group = -1
	};
	*next++ = (struct argp_option){ .name = "help-metrics",
					.key = HELP_KEY_METRICS,
					.doc = "Print every metric",
					.group = -1 };
	*next++ = (struct argp_option){
		.name = "version", .key = HELP_KEY_VERSION, .doc = "Print the version", .group = -1
	};
	return options;
}

/* Adds the variables to the help of a flag. argp frees the result unless it is `text`. */
static char *variables_add(int key, const char *text, void *input)
{
	const struct option_row *row;
	char variable[HELP_VARIABLE_SIZE];
	char *full;

	if (!help_key_of_row(key) || !text)
		return (char *)text;
	row = &OPTION_ROWS[help_key_row(key)];
	help_variable(variable, row->flag);
	if (asprintf(&full, "%s [%s%s%s]", text, variable, row->legacy ? ", " : "",
		     row->legacy ? row->legacy : "") < 0)
		return (char *)text;
	return full;
}

void help_write(void)
{
	_cleanup_free_ struct argp_option *options = help_options();
	const struct argp argp = {
		.options = options,
		.doc = "Prometheus exporter for SOCKS proxies behind WireGuard tunnels."
		       "\vA flag overrides its environment variable (in brackets), which overrides "
		       "the default. --FLAG turns a BOOL flag on, --no-FLAG turns it off. For "
		       "details, see wgsocks_exporter(8).\n",
		.help_filter = variables_add,
	};
	char program[] = "wgsocks_exporter";

	if (options)
		argp_help(&argp, stdout,
			  ARGP_HELP_SHORT_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG |
				  ARGP_HELP_POST_DOC,
			  program);
}
