// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/lib/config: flags and variables of any content. The input: strings, each ended by a NUL; the flags, then (after
 * an empty one) the environment. Neither crash nor exit, nothing kept that a contract rules out, and a refusal is one
 * printable line.
 */
#include "text.h"

#include <errno.h>
#include <sys/mman.h>

#include "lib/config/config.h"
#include "lib/log/log.h"

#define STRINGS_MAX 32

static int said_fd = -1;
static char said[1 << 16];

/* Standard error goes where it can be read back. */
static void said_begin(void)
{
	if (said_fd < 0) {
		said_fd = memfd_create("said", MFD_CLOEXEC);
		CHECK(said_fd >= 0 && dup2(said_fd, STDERR_FILENO) == STDERR_FILENO);
	}
	CHECK(ftruncate(said_fd, 0) == 0 && lseek(said_fd, 0, SEEK_SET) == 0);
}

static size_t said_read(void)
{
	ssize_t length = pread(said_fd, said, sizeof(said), 0);

	CHECK(length >= 0 && (size_t)length < sizeof(said), "it said %zd bytes", length);
	said[length] = '\0';
	return (size_t)length;
}

/* Splits the input. Returns whether the strings fit. */
static int split(char *text, size_t size, char **flags, int *flag_count, char **environment)
{
	char *end = text + size;
	static char program[] = "wgsocks_exporter";
	int variables = 0;

	*flag_count = 0;
	flags[(*flag_count)++] = program;
	for (; text < end && *text; text += strlen(text) + 1) {
		if (*flag_count == STRINGS_MAX)
			return 0;
		flags[(*flag_count)++] = text;
	}
	flags[*flag_count] = NULL;
	for (text++; text < end; text += strlen(text) + 1) {
		if (variables == STRINGS_MAX)
			return 0;
		environment[variables++] = text;
	}
	environment[variables] = NULL;
	return 1;
}

static int ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static void check_address(const struct config_address *a)
{
	CHECK(ends(a->text, sizeof(a->text)) && strchr(a->text, ':'));
	CHECK(a->length && a->length <= sizeof(a->address));
	CHECK(a->address.ss_family == AF_INET || a->address.ss_family == AF_INET6, "family %d", a->address.ss_family);
}

static void check_lists(const struct config *c)
{
	CHECK(c->port_count <= CONFIG_PORTS_MAX && c->process_count && c->process_count <= CONFIG_PROCESSES_MAX);
	for (uint32_t i = 0; i < c->port_count; i++) {
		CHECK(c->ports[i]);
		for (uint32_t j = 0; j < i; j++)
			CHECK(c->ports[i] != c->ports[j], "port %u twice", c->ports[i]);
	}
	/* The kernel compares all bytes. */
	for (uint32_t i = 0; i < c->process_count; i++) {
		size_t length = strnlen(c->processes[i], 16);

		CHECK(length && length < 16);
		for (size_t at = length; at < 16; at++)
			CHECK(!c->processes[i][at], "the tail of a process's name");
	}
	CHECK(c->leak_allow_count <= CONFIG_LEAK_ALLOW_MAX);
	for (uint32_t i = 0; i < c->leak_allow_count; i++)
		for (int byte = 0; byte < 16; byte++)
			CHECK(!(c->leak_allow[i].address[byte] & ~c->leak_allow[i].mask[byte]), "host bits");
	CHECK(c->metrics_count && c->metrics_count <= CONFIG_ADDRESSES_MAX);
	for (uint32_t i = 0; i < c->metrics_count; i++)
		check_address(&c->metrics[i]);
	check_address(&c->health);
}

static void check_config(const struct config *c)
{
	CHECK(c->mode == CONFIG_MODE_SIDECAR && c->proxies_max == 1);
	CHECK(ends(c->proxy_name, sizeof(c->proxy_name)) && c->proxy_name[0]);
	CHECK(text_is_utf8(c->proxy_name, strlen(c->proxy_name)));
	CHECK(ends(c->interface, sizeof(c->interface)) && c->interface[0]);
	CHECK(ends(c->pin_path, sizeof(c->pin_path)) && (!c->pin_path[0] || c->pin_path[0] == '/'));
	CHECK(ends(c->telemetry_path, sizeof(c->telemetry_path)) && c->telemetry_path[0] == '/' &&
	      c->telemetry_path[1]);
	CHECK(c->attach <= CONFIG_ATTACH_CLSACT && c->log_level <= LOG_LEVEL_ERROR && c->max_requests <= 65535);
	CHECK(!(c->collectors & ~COLLECTOR_ALL));
	check_lists(c);
}

/* Each line printable; a refusal is one. */
static void check_said(int result)
{
	size_t length = said_read(), lines = 0;

	CHECK(text_is_utf8(said, length));
	for (size_t i = 0; i < length; i++) {
		CHECK(!text_is_control(said + i) || said[i] == '\n', "a control character is printed");
		lines += said[i] == '\n';
	}
	CHECK(!length || said[length - 1] == '\n');
	if (result == -EINVAL)
		CHECK(lines == 1 && !strncmp(said, "wgsocks_exporter: ", 18), "%zu lines", lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), *flags[STRINGS_MAX + 1], *environment[STRINGS_MAX + 1];
	struct config config;
	int count, result;

	log_setup(LOG_LEVEL_INFO, size & 1);
	said_begin();
	if (split(text, size, flags, &count, environment)) {
		memset(&config, 0xa5, sizeof(config));
		result = config_parse(&config, count, flags, environment);
		CHECK(result == 0 || result == 1 || result == -EINVAL, "%d", result);
		if (!result)
			check_config(&config);
		check_said(result);
	}
	free(text);
	return 0;
}
