// SPDX-License-Identifier: Apache-2.0
#include "web/block.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_with(const char *text)
{
	int fd = memfd_create("block", MFD_CLOEXEC);

	cr_assert_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return fd;
}

Test(block, is_read)
{
	int fd = memory_with("0123456789");
	void *block = NULL, *kept;
	size_t max = 0;

	cr_assert_eq(block_read(fd, 8, &block, &max), 0);
	cr_expect_eq(memcmp(block, "01234567", 8), 0);
	kept = block;
	cr_assert_eq(block_read(fd, 4, &block, &max), 0);
	cr_expect_eq(block, kept, "its memory is used again");
	cr_expect_eq(max, 8);
	cr_assert_eq(block_read(fd, 10, &block, &max), 0);
	cr_expect_eq(memcmp(block, "0123456789", 10), 0);
	free(block);
}

Test(block, that_is_not_there)
{
	int fd = memory_with("0123456789");
	void *block = NULL;
	size_t max = 0;

	cr_expect_eq(block_read(fd, 11, &block, &max), -EBADMSG);
	cr_expect_eq(block_read(fd, BLOCK_MAX + 1, &block, &max), -EBADMSG);
	cr_expect_eq(block_read(fd, UINT64_MAX, &block, &max), -EBADMSG);
	cr_assert_eq(ftruncate(fd, BLOCK_MAX + 8), 0);
	cr_expect_eq(block_read(fd, BLOCK_MAX + 8, &block, &max), -EBADMSG, "it is there, and too much");
	cr_assert_eq(ftruncate(fd, 10), 0);
	cr_expect_null(block, "no memory for what is only claimed");
	cr_assert_eq(block_read(fd, 10, &block, &max), 0);
	cr_assert_eq(ftruncate(fd, 5), 0);
	cr_expect_eq(block_read(fd, 10, &block, &max), -EBADMSG, "it shrank");
	cr_expect_eq(block_read(-1, 10, &block, &max), -EBADF);
	free(block);
}
