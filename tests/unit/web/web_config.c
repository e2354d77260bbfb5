// SPDX-License-Identifier: Apache-2.0
#include "web/web_config.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"
#include "lib/web_config/bundle.h"

static int bundle_make(uint64_t sequence, const char *config)
{
	struct bundle bundle = { .data = { (char *)config }, .size = { strlen(config) } };
	int fd = memfd_create("bundle", 0);

	cr_assert_eq(bundle_write(fd, sequence, &bundle), 0);
	return fd;
}

/* Loads bundle 2, and returns the output on standard error. */
static char *load(int fd, struct web_config **config, char why[static SETTINGS_WHY])
{
	static char said[4096];
	int keep = dup(STDERR_FILENO), memory = capture_begin(STDERR_FILENO);

	*config = web_config_load(fd, 2, why);
	capture_read(memory, said, sizeof(said));
	close(memory);
	dup2(keep, STDERR_FILENO);
	close(keep);
	close(fd);
	return said;
}

/* A torn copy is not an error here: the caller detects and reports it. */
Test(config, failure_is_told_to_the_caller_alone)
{
	char why[SETTINGS_WHY] = "";
	struct web_config *config;

	cr_expect_str_eq(load(bundle_make(2, "no_such_key: 1\n"), &config, why), "");
	cr_expect_null(config);
	cr_expect_not_null(strstr(why, "no_such_key"), "%s", why);
	why[0] = '\0';
	cr_expect_str_eq(load(memfd_create("empty", 0), &config, why), "");
	cr_expect_null(config);
	cr_expect_neq(why[0], '\0');
}

Test(config, good_settings)
{
	char why[SETTINGS_WHY];
	struct web_config *config;

	cr_expect_str_eq(load(bundle_make(2, "{}\n"), &config, why), "");
	cr_assert_not_null(config, "%s", why);
	cr_expect_eq(config->users, 1);
	cr_expect_null(config->tls);
	web_config_release(config);
	web_config_sweep();
}
