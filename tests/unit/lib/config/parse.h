/* SPDX-License-Identifier: Apache-2.0 */
/* config_parse with everything around it caught: PARSE(flags…) after ENVIRONMENT(variables…). */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "lib/config/config.h"

static struct config config;
static char *environment[8];
static char said[1 << 16]; /* standard error of the last PARSE */

#define ENVIRONMENT(...) (memcpy(environment, ((char *[8]){ __VA_ARGS__ }), sizeof(environment)))
#define PARSE(...) parse((char *[]){ "wgsocks_exporter", __VA_ARGS__, NULL })
#define PARSE_NOTHING() parse((char *[]){ "wgsocks_exporter", NULL })

static inline int parse(char **argv)
{
	int argc = 0, result, keep = dup(STDERR_FILENO);
	int memory = capture_begin(STDERR_FILENO);

	while (argv[argc])
		argc++;
	result = config_parse(&config, argc, argv, environment);
	capture_read(memory, said, sizeof(said));
	close(memory);
	dup2(keep, STDERR_FILENO);
	close(keep);
	return result;
}

/* Every refusal must return -EINVAL and print exactly this line. */
#define expect_refused(result, line)                                    \
	do {                                                            \
		cr_expect_eq(result, -EINVAL);                          \
		cr_expect_str_eq(said, "wgsocks_exporter: " line "\n"); \
	} while (0)
