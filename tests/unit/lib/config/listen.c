// SPDX-License-Identifier: Apache-2.0
#include "parse.h"

#include <arpa/inet.h>
#include <netdb.h>

static const char *numeric(const struct config_address *address)
{
	static char text[128];
	char host[64], port[8];

	cr_assert_eq(getnameinfo((const struct sockaddr *)&address->address, address->length, host,
				 sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV),
		     0);
	snprintf(text, sizeof(text), "%s %s", host, port);
	return text;
}

Test(listen, forms)
{
	static char *const CASES[][2] = {
		{ ":9090", ":: 9090" },
		{ "127.0.0.1:9090", "127.0.0.1 9090" },
		{ "0.0.0.0:1", "0.0.0.0 1" },
		{ "[::1]:65535", "::1 65535" },
		{ "[::]:9090", ":: 9090" },
		{ "[fe80::1%lo]:9090", "fe80::1%lo 9090" },
		{ "[::ffff:10.0.0.1]:9090", "::ffff:10.0.0.1 9090" },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		cr_assert_eq(PARSE("--web.listen-address", CASES[i][0], "--health.listen-address",
				   CASES[i][0]),
			     0, "%s", said);
		cr_expect_str_eq(numeric(&config.metrics[0]), CASES[i][1]);
		cr_expect_str_eq(numeric(&config.health), CASES[i][1]);
		cr_expect_str_eq(config.metrics[0].text, CASES[i][0]);
	}
}

/* Every machine has this name; its address family depends on the machine. */
Test(listen, a_name_of_etc_hosts)
{
	cr_assert_eq(PARSE("--web.listen-address=LocalHost:9090"), 0, "%s", said);
	cr_expect(!strcmp(numeric(&config.metrics[0]), "127.0.0.1 9090") ||
		  !strcmp(numeric(&config.metrics[0]), "::1 9090"));
}

Test(listen, refused)
{
	static char *const BAD[] = {
		"",
		"9090",
		":",
		":0",
		":65536",
		":x",
		"127.0.0.1",
		"::1:9090",
		"::1",
		"[::1]",
		"[::1]9090",
		"[::1",
		"[::1:9090",
		"[127.0.0.1]:9090",
		"[]:9090",
		"]:9090",
		"a b:9090",
		"300.0.0.1:9090",
		"no-such-host.invalid:9090",
		"[::1]x:9090",
		"[:9090",
	};

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		cr_expect_eq(PARSE("--web.listen-address", BAD[i]), -EINVAL, "%s", BAD[i]);
		cr_expect_eq(strncmp(said, "wgsocks_exporter: --web.listen-address=", 39), 0, "%s",
			     said);
		cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "%s", said);
	}
}

Test(listen, as_many_as_fit)
{
	char *argv[12] = { "wgsocks_exporter" };

	for (size_t i = 1; i <= 8; i++)
		argv[i] = "--web.listen-address=:9090";
	cr_expect_eq(parse(argv), 0);
	cr_expect_eq(config.metrics_count, 8);
	argv[9] = "--web.listen-address=:9099";
	expect_refused(parse(argv), "--web.listen-address=:9099: must be at most 8 addresses");
}
