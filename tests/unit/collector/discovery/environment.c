// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/discovery/environment.h"
#include "collector/discovery/naming.h"
#include "lib/config/parse.h"

#define BYTES(text) (text), sizeof(text) - 1

/* The result of a search in an environment read in pieces of `piece` bytes; NULL: not found. */
static const char *find(const char *text, size_t size, size_t piece)
{
	static char value[ENVIRONMENT_VALUE_SIZE + 1];
	struct environment search;

	environment_begin(&search, "PROXY_NAME");
	for (size_t at = 0; at < size; at += piece)
		if (environment_add(&search, text + at, size - at < piece ? size - at : piece))
			break;
	if (!environment_end(&search))
		return NULL;
	memcpy(value, search.value, search.size);
	value[search.size] = '\0';
	return value;
}

static void expect(const char *text, size_t size, const char *wanted)
{
	for (size_t piece = 1; piece <= size + 1; piece++) {
		const char *got = find(text, size, piece);

		if (wanted)
			cr_assert(got && !strcmp(got, wanted), "%s in pieces of %zu: %s", text,
				  piece, got);
		else
			cr_assert(!got, "%s in pieces of %zu: %s", text, piece, got);
	}
}

Test(environment, search)
{
	expect(BYTES(""), NULL);
	expect(BYTES("\0\0\0"), NULL);
	expect(BYTES("PROXY_NAME"), NULL);
	expect(BYTES("PROXY_NAME\0=x\0"), NULL);
	expect(BYTES("PROXY_NAMES=x\0"), NULL);
	expect(BYTES("PROXY\0PROXY_NAME=x\0"), "x");
	expect(BYTES("PROXY_NAM=x\0"), NULL);
	expect(BYTES("MY_PROXY_NAME=x\0A=PROXY_NAME=y\0"), NULL);
	expect(BYTES("proxy_name=x\0"), NULL);
	expect(BYTES("PROXY_NAME=x\0"), "x");
	expect(BYTES("PROXY_NAME=\0"), "");
	expect(BYTES("PROXY_NAME="), "");
	expect(BYTES("PROXY_NAME=no-end"), "no-end");
	expect(BYTES("A=b\0PROXY_NAME=a=b\0C=d\0"), "a=b");
	expect(BYTES("\0\0PROXY_NAME=x\0"), "x");
	expect(BYTES("PROXY_NAME=first\0PROXY_NAME=second\0"), "first");
	expect(BYTES("PPROXY_NAME=x\0PROXYPROXY_NAME=y\0PROXY_NAME=z\0"), "z");
}

Test(environment, a_long_value)
{
	static char text[2048] = "PROXY_NAME=";
	char kept[ENVIRONMENT_VALUE_SIZE + 1] = "";

	memset(text + 11, 'v', sizeof(text) - 11);
	memset(kept, 'v', ENVIRONMENT_VALUE_SIZE);
	expect(text, sizeof(text), kept);
}

struct process {
	pid_t pid;
	int fd; /* its /proc/PID */
};

/* A process that has this environment and waits. */
static struct process start(char **variables)
{
	struct process process;
	char path[32], byte;
	int ready[2];

	cr_assert_eq(pipe(ready), 0);
	process.pid = fork();
	if (!process.pid) {
		/* The kernel takes a quarter of the stack's limit. */
		struct rlimit stack = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };

		dup2(ready[1], STDOUT_FILENO);
		setrlimit(RLIMIT_STACK, &stack);
		execve("/bin/sh", (char *[]){ "sh", "-c", "echo; read x", NULL }, variables);
		_exit(1);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d", process.pid);
	process.fd = open(path, O_PATH | O_DIRECTORY);
	return process;
}

static void stop(struct process *process)
{
	kill(process->pid, SIGKILL);
	waitpid(process->pid, NULL, 0);
}

static void give_input(void)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	dup2(ends[0], STDIN_FILENO);
}

Test(environment_read, a_real_process, .init = give_input)
{
	struct process process =
		start((char *[]){ "A=b", "PROXY_NAME=golden-crab \xe2\x99\xa5", NULL });
	char name[CONFIG_NAME_SIZE];
	int r;

	cr_expect_eq(environment_read(process.fd, "PROXY_NAME", name), 0);
	cr_expect_str_eq(name, "golden-crab \xe2\x99\xa5");
	cr_expect_eq(environment_read(process.fd, "PROXY", name), -ENODATA);
	cr_expect_str_eq(name, "");
	stop(&process);
	r = environment_read(process.fd, "PROXY_NAME", name);
	cr_expect(r == -ENOENT || r == -ESRCH, "%d", r);
	close(process.fd);
}

Test(environment_read, empty_is_not_set, .init = give_input)
{
	struct process process = start((char *[]){ "PROXY_NAME=", "PROXY_NAME=x", NULL });
	char name[CONFIG_NAME_SIZE];

	cr_expect_eq(environment_read(process.fd, "PROXY_NAME", name), -ENODATA);
	stop(&process);
	close(process.fd);
}

/* 3 MB, more than the memory of a search. */
Test(environment_read, megabytes, .init = give_input)
{
	char *variables[32] = { NULL }, name[CONFIG_NAME_SIZE];
	struct process process;

	for (int i = 0; i < 30; i++) {
		variables[i] = malloc(100001);
		memset(variables[i], 'x', 100000);
		variables[i][100000] = '\0';
	}
	variables[30] = "PROXY_NAME=behind-them-all";
	process = start(variables);
	cr_expect_eq(environment_read(process.fd, "PROXY_NAME", name), 0);
	cr_expect_str_eq(name, "behind-them-all");
	stop(&process);
	close(process.fd);
	for (int i = 0; i < 30; i++)
		free(variables[i]);
}

static int file_process(char *root, const char *text, size_t size, size_t zeros)
{
	char path[64];
	FILE *file;

	cr_assert(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/environ", root);
	file = fopen(path, "w");
	cr_assert(file);
	for (size_t i = 0; i < zeros; i++)
		fputc(0, file);
	fwrite(text, 1, size, file);
	fclose(file);
	return open(root, O_PATH | O_DIRECTORY);
}

static void file_process_end(char *root, int process)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/environ", root);
	unlink(path);
	rmdir(root);
	close(process);
}

Test(environment_read, no_end)
{
	char root[] = "/tmp/wgsocks-test-environ-XXXXXX", name[CONFIG_NAME_SIZE];
	int process = file_process(root, BYTES("PROXY_NAME=x"), 8 << 20);

	cr_expect_eq(environment_read(process, "PROXY_NAME", name), -EFBIG);
	file_process_end(root, process);
}

/* The name of a proxy must not depend on which reader reads its PROXY_NAME. */
Test(environment_read, the_same_name_as_the_flag)
{
	static const char *const TAILS[] = {
		"", "x", "\xff", "\xc3\xa9", "\xe2\x99\xa5", "\xf0\x9f\xa6\x80", "\xf0\x9f"
	};

	for (size_t before = 0; before < 530; before += before < 490 ? 97 : 1) {
		for (size_t t = 0; t < sizeof(TAILS) / sizeof(TAILS[0]); t++) {
			char variable[600] = "PROXY_NAME=", name[CONFIG_NAME_SIZE];
			char root[] = "/tmp/wgsocks-test-environ-XXXXXX";
			int process, r;

			memset(variable + 11, 'a', before);
			strcpy(variable + 11 + before, TAILS[t]);
			if (!variable[11])
				continue;
			ENVIRONMENT(variable);
			cr_assert_eq(PARSE_NOTHING(), 0);
			process = file_process(root, variable, strlen(variable) + 1, 0);
			r = environment_read(process, "PROXY_NAME", name);
			cr_assert_geq(r, 0);
			cr_expect_str_eq(name, config.proxy_name, "%zu, tail %zu", before, t);
			cr_expect_eq(!!(r & NAMING_CUT), !!strstr(said, "bytes, cut"),
				     "%zu, tail %zu", before, t);
			cr_expect_eq(!!(r & NAMING_REPAIRED), !!strstr(said, "not valid UTF-8"),
				     "%zu, tail %zu", before, t);
			file_process_end(root, process);
		}
	}
}
