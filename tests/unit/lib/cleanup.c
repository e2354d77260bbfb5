// SPDX-License-Identifier: Apache-2.0
#include "lib/cleanup.h"

#include <criterion/criterion.h>
#include <fcntl.h>

/*
 * A second call on the same variable must do nothing: another thread's descriptor may have the
 * number by then.
 */
Test(cleanup, nothing_of_it_is_left)
{
	int fd = open("/dev/null", O_RDONLY), reused;
	FILE *stream = fopen("/dev/null", "r");
	DIR *directory = opendir("/");
	char *memory = malloc(1);

	close_descriptor(&fd);
	cr_expect_eq(fd, -1);
	reused = open("/dev/null", O_RDONLY);
	close_descriptor(&fd);
	cr_expect_neq(fcntl(reused, F_GETFD), -1, "it closed what has the number now");
	close_descriptor(&reused);
	close_stream(&stream);
	cr_expect_null(stream);
	close_stream(&stream);
	close_directory(&directory);
	cr_expect_null(directory);
	close_directory(&directory);
	free_pointer(&memory);
	cr_expect_null(memory);
	free_pointer(&memory);
}

Test(cleanup, what_is_taken_is_kept)
{
	int kept;

	{
		_cleanup_close_ int fd = open("/dev/null", O_RDONLY);

		kept = TAKE_FD(fd);
		cr_expect_eq(fd, -1);
	}
	cr_expect_neq(fcntl(kept, F_GETFD), -1);
	close_descriptor(&kept);
}
