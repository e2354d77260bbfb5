// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process/process.h"

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

/* A pipe that only the grandchild holds: it closes when that is dead. */
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
