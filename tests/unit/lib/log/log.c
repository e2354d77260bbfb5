// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "capture.h"
#include "lib/log/log.h"

static char text[1 << 16];

static void expect_match(const char *pattern)
{
	regex_t regex;

	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	cr_expect_eq(regexec(&regex, text, 0, NULL, 0), 0, "%s", text);
	regfree(&regex);
}

#define TIME "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

Test(log, before_setup_logfmt_from_info_on)
{
	int memory = capture_begin(STDERR_FILENO);

	log_debug("not this");
	log_info("listening", field_unsigned("port", 9090));
	capture_read(memory, text, sizeof(text));
	expect_match("^time=" TIME " level=info msg=\"listening\" port=9090\n$");
}

Test(log, json_with_the_process)
{
	int memory = capture_begin(STDERR_FILENO);

	log_setup(LOG_LEVEL_WARN, true);
	log_process("health");
	log_info("not this");
	log_error("gone", field_text("proxy", "crab"), field_signed("count", -1));
	capture_read(memory, text, sizeof(text));
	expect_match("^\\{\"time\":\"" TIME "\",\"level\":\"error\",\"process\":\"health\",\"msg\":"
		     "\"gone\",\"proxy\":\"crab\",\"count\":-1}\n$");
}

Test(log, levels)
{
	static const enum log_level LEVELS[] = { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
						 LOG_LEVEL_ERROR };

	for (size_t set = 0; set < 4; set++) {
		log_setup(LEVELS[set], false);
		for (size_t level = 0; level < 4; level++)
			cr_expect_eq(log_enabled(LEVELS[level]), level >= set);
	}
}

Test(log, keeps_errno)
{
	int memory = capture_begin(STDERR_FILENO);

	errno = ENOENT;
	log_warn("cannot open", field_error(errno));
	cr_expect_eq(errno, ENOENT);
	cr_expect_str_not_empty(
		strstr(capture_read(memory, text, sizeof(text)),
		       "msg=\"cannot open\" error=\"No such file or directory\"\n"));
	close(STDERR_FILENO);
	errno = ESRCH;
	log_warn("to nowhere");
	cr_expect_eq(errno, ESRCH);
}

Test(log, a_reader_that_is_gone_or_asleep_stops_nothing)
{
	int pipes[2];

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe2(pipes, O_NONBLOCK), 0);
	dup2(pipes[1], STDERR_FILENO);
	for (int i = 0; i < 2000; i++) /* more than a pipe holds */
		log_info("a line that fills the pipe which nobody reads, so that it has no room "
			 "soon",
			 field_signed("count", i));
	close(pipes[0]);
	log_info("nobody reads");
}

#define WRITERS 4
#define LINES 100

/* Four processes write long lines to one pipe: each line comes out whole. */
Test(log, lines_of_several_processes_do_not_mix)
{
	char filler[2001], expected[2100];
	unsigned int seen = 0;
	int pipes[2];
	FILE *reader;

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	cr_assert_eq(pipe(pipes), 0);
	/*
	 * A pipe with room for all lines: a line that waits for 10 ms is lost, which is not under
	 * test.
	 */
	cr_assert_geq(fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20),
		      WRITERS * LINES * (int)sizeof(expected));
	for (int w = 0; w < WRITERS; w++)
		if (!fork()) {
			dup2(pipes[1], STDERR_FILENO);
			for (int i = 0; i < LINES; i++)
				log_error("x", field_text("detail", filler));
			_exit(0);
		}
	close(pipes[1]);
	reader = fdopen(pipes[0], "r");
	snprintf(expected, sizeof(expected), " level=error msg=\"x\" detail=%s\n", filler);
	while (fgets(text, sizeof(text), reader)) {
		cr_assert_str_eq(text + strlen("time=2026-11-22T19:18:33.042Z"), expected);
		seen++;
	}
	cr_expect_eq(seen, WRITERS * LINES);
	while (wait(NULL) > 0)
		;
	fclose(reader);
}

/* After log_open the time needs no file (/etc/localtime), the message no memory. */
Test(log, first_line_with_two_system_calls)
{
	int memory = capture_begin(STDERR_FILENO), status;
	pid_t child;

	log_open();
	child = fork();

	if (!child) {
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

		const int allowed[] = { LOG_SYSCALLS, SCMP_SYS(exit) };

		for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
			seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		seccomp_load(filter);
		log_error("x", field_signed("count", 1), field_text("detail", "\xff"),
			  field_error(99999));
		syscall(SYS_exit, 7);
	}
	waitpid(child, &status, 0);
	cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	cr_expect_eq(WEXITSTATUS(status), 7);
	capture_read(memory, text, sizeof(text));
	expect_match(" level=error msg=\"x\" count=1 detail=\"\\\\ufffd\" error=\"Unknown error "
		     "99999\"\n$");
}
