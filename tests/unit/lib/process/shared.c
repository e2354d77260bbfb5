// SPDX-License-Identifier: Apache-2.0
#include "lib/process/shared.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/time.h"

static void proxies_fill(struct health_proxy *proxies, uint32_t count, unsigned int generation)
{
	for (uint32_t i = 0; i < count; i++) {
		memset(&proxies[i], 'a' + (int)(generation % 26), sizeof(proxies[i]));
		snprintf(proxies[i].name, sizeof(proxies[i].name), "%u", generation);
		proxies[i].tunnel = proxies[i].listener_up = generation;
	}
}

Test(shared, names_of_processes)
{
	cr_expect_str_eq(process_name(PROCESS_SUPERVISOR), "supervisor");
	cr_expect_str_eq(process_name(PROCESS_HEALTH), "health");
	cr_expect_str_eq(process_name(PROCESS_WEB), "web");
	cr_expect_str_eq(process_name(PROCESS_COLLECTOR), "collector");
	cr_expect_str_eq(process_name(PROCESS_MAX), "unknown");
}

Test(shared, board_tells_the_last_publication)
{
	struct shared *shared = shared_create(3);
	struct health_proxy proxies[4], copy[4];

	cr_expect_eq(health_board_copy(shared, copy, 4), 0, "nothing yet");
	for (unsigned int i = 1; i < 5; i++) {
		proxies_fill(proxies, 4, i);
		health_board_publish(shared, proxies, i);
		cr_expect_eq(health_board_copy(shared, copy, 4), i < 3 ? i : 3,
			     "cut to what the region holds");
		cr_expect_eq(copy[0].tunnel, i);
		cr_expect_eq(health_board_copy(shared, copy, 1), 1,
			     "and to what the reader asks for");
	}
	health_board_publish(shared, NULL, 0);
	cr_expect_eq(health_board_copy(shared, copy, 4), 0);
}

Test(shared, names_are_always_terminated)
{
	struct shared *shared = shared_create(1);
	struct health_proxy proxy, copy;

	memset(&proxy, 'x', sizeof(proxy));
	health_board_publish(shared, &proxy, 1);
	cr_assert_eq(health_board_copy(shared, &copy, 1), 1);
	cr_expect_eq(strlen(copy.name), sizeof(copy.name) - 1);
	cr_expect_eq(strlen(copy.interface), sizeof(copy.interface) - 1);
}

/* A constant writer: each copy is of one publication, or refused. */
Test(shared, a_copy_is_whole_while_it_is_written, .timeout = 30)
{
	enum { COUNT = 64 };
	struct shared *shared = shared_create(COUNT);
	static struct health_proxy proxies[COUNT], copy[COUNT];
	unsigned int good = 0, last = 0;
	pid_t writer = fork();

	if (writer == 0) {
		for (unsigned int generation = 1;; generation++) {
			proxies_fill(proxies, COUNT, generation);
			health_board_publish(shared, proxies, COUNT);
		}
	}
	while (good < 20000) {
		int count = health_board_copy(shared, copy, COUNT);

		if (count <= 0)
			continue;
		good++;
		cr_assert_eq(count, COUNT);
		cr_assert_geq(copy[0].tunnel, last, "never older than before");
		last = copy[0].tunnel;
		for (int i = 0; i < COUNT; i++) {
			cr_assert_eq(copy[i].tunnel, last, "torn");
			cr_assert_eq(copy[i].listener_up, last);
		}
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
}

/*
 * The writer never changes the copy that is read: if it dies during a write, the last state stays.
 */
Test(shared, a_writer_killed_in_mid_update_leaves_the_last_state, .timeout = 30)
{
	enum { COUNT = 200 };
	struct shared *shared = shared_create(COUNT);
	static struct health_proxy proxies[COUNT], copy[COUNT];

	for (int round = 0; round < 300; round++) {
		pid_t writer = fork();
		int count;

		if (writer == 0) {
			for (unsigned int generation = 1;; generation++) {
				proxies_fill(proxies, COUNT, generation);
				health_board_publish(shared, proxies, COUNT);
			}
		}
		usleep((useconds_t)(round * 7 % 1000));
		kill(writer, SIGKILL);
		waitpid(writer, NULL, 0);
		count = health_board_copy(shared, copy, COUNT);
		cr_assert(count == 0 || count == COUNT);
		for (int i = 1; i < count; i++)
			cr_assert_eq(copy[i].tunnel, copy[0].tunnel);
	}
}

Test(shared, alive_for_ten_seconds)
{
	struct shared *shared = shared_create(1);
	uint64_t now = 100 * NS_PER_S;

	cr_expect_not(process_alive(shared, PROCESS_COLLECTOR, now), "never heard of");
	shared->processes[PROCESS_COLLECTOR].heartbeat_ns = now;
	cr_expect(process_alive(shared, PROCESS_COLLECTOR, now));
	cr_expect(process_alive(shared, PROCESS_COLLECTOR, now - 1), "its clock reading was later");
	cr_expect(process_alive(shared, PROCESS_COLLECTOR, now + 10 * NS_PER_S));
	cr_expect_not(process_alive(shared, PROCESS_COLLECTOR, now + 10 * NS_PER_S + 1));
	cr_expect_not(process_alive(shared, PROCESS_WEB, now));
}
