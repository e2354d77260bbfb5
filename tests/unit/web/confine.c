// SPDX-License-Identifier: Apache-2.0
/* The C library in the confined web process. */
#include "web/confine.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log/log.h"

static int no_threads(void *closure)
{
	(void)closure;
	return 0;
}

static int order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void sort_many(void)
{
	int *numbers = malloc(100000 * sizeof(*numbers));

	for (int i = 0; numbers && i < 100000; i++)
		numbers[i] = i * 7919 % 100003;
	if (numbers)
		qsort(numbers, 100000, sizeof(*numbers), order);
	free(numbers);
}

static void tell_the_date(void)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
}

/* The exit of a process that ran this under the filter. */
static int confined(void (*what)(void))
{
	struct shared *shared = shared_create(1);
	int status, parent = getpid();
	pid_t pid;

	log_open();
	pid = fork();
	if (!pid) {
		struct child child = { .shared = shared, .process = PROCESS_WEB, .parent = parent };

		if (confine(&child, no_threads, NULL))
			_exit(1);
		what();
		/* Not _exit: ASan would first ask for the signal stack, which the filter refuses.
		 */
		syscall(SYS_exit_group, 0);
	}
	waitpid(pid, &status, 0);
	return status;
}

Test(confine, sorting_is_allowed)
{
	cr_expect_eq(confined(sort_many), 0);
}

Test(confine, dates_are_allowed)
{
	cr_expect_eq(confined(tell_the_date), 0);
}
