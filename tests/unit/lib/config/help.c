// SPDX-License-Identifier: Apache-2.0
#include "parse.h"

#include "lib/config/help.h"

static char printed[1 << 16];

static int print(char *flag)
{
	int memory = capture_begin(STDOUT_FILENO);
	int result = PARSE(flag);

	capture_read(memory, printed, sizeof(printed));
	return result;
}

Test(help, names_every_flag_and_variable)
{
	cr_expect_eq(print("--help"), 1);
	cr_expect_str_eq(said, "");
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		char flag[64], variable[HELP_VARIABLE_SIZE];

		snprintf(flag, sizeof(flag), "--%s", OPTION_ROWS[i].flag);
		help_variable(variable, OPTION_ROWS[i].flag);
		cr_expect_not_null(strstr(printed, flag), "%s", flag);
		cr_expect_not_null(strstr(printed, variable), "%s", variable);
		if (OPTION_ROWS[i].legacy)
			cr_expect_not_null(strstr(printed, OPTION_ROWS[i].legacy));
	}
	cr_expect_not_null(strstr(printed, "--no-FLAG"));
}

Test(help, has_a_short_form)
{
	cr_expect_eq(print("-h"), 1);
	cr_expect_str_eq(said, "");
	cr_expect_not_null(strstr(printed, "  -h, --help "));
}

Test(help, fits_80_columns)
{
	print("--help");
	for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n"))
		cr_expect_lt(strlen(line), 80, "%s", line);
}

Test(help, wins_over_what_follows_and_over_variables)
{
	ENVIRONMENT("METRICS_PORT=x");
	cr_expect_eq(print("--help"), 1);
	cr_expect_str_eq(said, "");
}

Test(help, version)
{
	cr_expect_eq(print("--version"), 1);
	cr_expect_eq(strncmp(printed, "wgsocks_exporter, version ", 26), 0, "%s", printed);
	cr_expect_eq(strchr(printed, '\n'), printed + strlen(printed) - 1);
}

Test(help, metrics)
{
	cr_expect_eq(print("--help-metrics"), 1);
	cr_expect_not_null(strstr(printed, "proxy_requests_failed_total"));
	cr_expect_not_null(strstr(printed, "wgsocks_exporter_build_info"));
}

Test(help, variables)
{
	char variable[HELP_VARIABLE_SIZE];

	help_variable(variable, "web.listen-address");
	cr_expect_str_eq(variable, "WGSOCKS_WEB_LISTEN_ADDRESS");
}

/* parser->seen has a bit for each row. */
Test(help, rows_fit)
{
	cr_expect_leq(OPTION_COUNT, 64);
}
