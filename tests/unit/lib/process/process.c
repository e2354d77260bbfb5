// SPDX-License-Identifier: Apache-2.0
#include "lib/process/process.h"
#include "lib/time.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Test(child, goes_on_with_its_parent)
{
	int parent = getpid(), status;
	pid_t pid = fork();

	if (pid == 0) {
		struct child child = { .parent = parent };
		int number = 0;

		child_bind_to_parent(&child);
		prctl(PR_GET_PDEATHSIG, &number);
		_exit(number == SIGKILL ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(child, ends_when_another_is_its_parent)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct child child = { .parent = getpid() };

		child_bind_to_parent(&child);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

/* A pipe that only the grandchild has open: it closes when the grandchild ends. */
Test(child, dies_with_its_parent, .timeout = 10)
{
	struct pollfd end;
	int ready[2], alive[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(alive), 0);
	pid = fork();
	if (pid == 0) {
		int parent = getpid();

		if (fork() == 0) {
			struct child child = { .parent = parent };

			child_bind_to_parent(&child);
			if (write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(alive[1]);
		for (;;)
			pause();
	}
	close(alive[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	end = (struct pollfd){ .fd = alive[0], .events = POLLIN };
	cr_assert_eq(poll(&end, 1, 0), 0, "it lives");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect_eq(poll(&end, 1, 5000), 1);
}

/* The values that a process reports about itself, compared with /proc at that moment. */

static struct shared *shared;
static struct process_cell *cell;

static void setup(void)
{
	shared = shared_create(1);
	cell = &shared->processes[PROCESS_WEB];
	cr_assert_eq(heartbeat_open(), 0);
}

TestSuite(heartbeat, .init = setup);

static unsigned int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2 - 1; /* ".", "..", and this directory's own */
}

static uint64_t pss_bytes(void)
{
	FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	unsigned long kilobytes = 0;

	while (fgets(line, sizeof(line), rollup) && sscanf(line, "Pss: %lu", &kilobytes) != 1)
		;
	fclose(rollup);
	return kilobytes * 1024;
}

Test(heartbeat, tells_the_time_each_time)
{
	heartbeat_write(shared, PROCESS_WEB, 100 * NS_PER_S);
	cr_expect_eq(cell->heartbeat_ns, 100 * NS_PER_S);
	heartbeat_write(shared, PROCESS_WEB, 101 * NS_PER_S);
	cr_expect_eq(cell->heartbeat_ns, 101 * NS_PER_S);
	cr_expect_eq(shared->processes[PROCESS_HEALTH].heartbeat_ns, 0);
}

Test(heartbeat, tells_descriptors_each_five_seconds)
{
	int more[300];

	heartbeat_write(shared, PROCESS_WEB, 100 * NS_PER_S);
	cr_expect_eq(cell->open_fds, descriptors());
	for (int i = 0; i < 300; i++) /* more than one getdents64 gives */
		more[i] = open("/dev/null", O_RDONLY);
	heartbeat_write(shared, PROCESS_WEB, 104 * NS_PER_S);
	cr_expect_eq(cell->open_fds, descriptors() - 300);
	heartbeat_write(shared, PROCESS_WEB, 105 * NS_PER_S);
	cr_expect_eq(cell->open_fds, descriptors());
	for (int i = 0; i < 300; i++)
		close(more[i]);
}

Test(heartbeat, tells_memory)
{
	enum { SIZE = 8 << 20 };
	uint64_t virtual_before;
	char *memory;

	/* Past the moment when what only the start took is given back. */
	heartbeat_write(shared, PROCESS_WEB, 90 * NS_PER_S);
	heartbeat_write(shared, PROCESS_WEB, 95 * NS_PER_S);
	heartbeat_write(shared, PROCESS_WEB, 100 * NS_PER_S);
	virtual_before = cell->virtual_bytes;
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 1, SIZE);
	heartbeat_write(shared, PROCESS_WEB, 105 * NS_PER_S);
	cr_expect_geq(cell->virtual_bytes, virtual_before + SIZE);
	cr_expect_leq(cell->pss_bytes, pss_bytes() + (1 << 20));
	cr_expect_geq(cell->pss_bytes, pss_bytes() - (1 << 20));
	munmap(memory, SIZE);
}

Test(heartbeat, works_without_its_files)
{
	heartbeat_close();
	heartbeat_write(shared, PROCESS_WEB, 100 * NS_PER_S);
	cr_expect_eq(cell->heartbeat_ns, 100 * NS_PER_S);
	cr_expect_eq(cell->open_fds, 0);
	cr_expect_eq(cell->pss_bytes, 0);
}
