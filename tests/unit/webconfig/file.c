// SPDX-License-Identifier: Apache-2.0
#include "webconfig/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/wgsocks-files-XXXXXX", path[64], link_path[64];
static struct file_mark mark;
static char *data;
static size_t size;

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	cr_assert(f);
	fputs(text, f);
	fclose(f);
}

static void init(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(link_path, sizeof(link_path), "%s/link", folder);
}

static void fini(void)
{
	unlink(path);
	unlink(link_path);
	rmdir(folder);
}

TestSuite(files_read, .init = init, .fini = fini);

Test(files_read, whole)
{
	struct file_mark now;

	put(path, "twelve bytes");
	cr_assert_eq(file_read(path, 12, &data, &size, &mark), 0);
	cr_expect_eq(size, 12);
	cr_expect_arr_eq(data, "twelve bytes", 12);
	now = file_mark_read(path);
	cr_expect(file_same(&mark, &now));
	cr_expect_eq(file_read(path, 11, &data, &size, &mark), -EFBIG);
	free(data);
	put(path, "");
	cr_assert_eq(file_read(path, 12, &data, &size, &mark), 0);
	cr_expect_eq(size, 0);
}

Test(files_read, what_is_no_file)
{
	cr_expect_eq(file_read(path, 10, &data, &size, &mark), -ENOENT);
	cr_expect_eq(mark.error, ENOENT);
	cr_expect_eq(file_read(folder, 10, &data, &size, &mark), -EINVAL);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(file_read(path, 10, &data, &size, &mark), -EINVAL,
		     "a FIFO that nobody writes");
	cr_expect_eq(file_read("/dev/zero", 10, &data, &size, &mark), -EINVAL);
}

Test(files_read, swapped_links_are_seen)
{
	struct file_mark now;
	char other[80];

	put(path, "same");
	snprintf(other, sizeof(other), "%s/other", folder);
	put(other, "same");
	cr_assert_eq(symlink("file", link_path), 0);
	mark = file_mark_read(link_path);
	unlink(link_path);
	cr_assert_eq(symlink("other", link_path), 0);
	now = file_mark_read(link_path);
	cr_expect_not(file_same(&mark, &now));
	unlink(other);
	now = file_mark_read(link_path);
	cr_expect_eq(now.error, ENOENT);
}
