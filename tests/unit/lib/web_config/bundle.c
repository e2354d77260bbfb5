// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/bundle.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory(void)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

Test(bundle, two_halves)
{
	struct bundle first = { .data = { strdup("config"), NULL, strdup("key") },
				.size = { 6, 0, 3 } };
	struct bundle second = { .data = { strdup(""), strdup("certificate") }, .size = { 0, 11 } },
		      back;
	int fd = memory();

	cr_expect_eq(bundle_write(fd, 7, &first), 0);
	cr_expect_eq(bundle_write(fd, 8, &second), 0);
	cr_assert_eq(bundle_read(fd, 7, &back), 0);
	cr_expect_eq(back.size[BUNDLE_CONFIG], 6);
	cr_expect_arr_eq(back.data[BUNDLE_CONFIG], "config", 6);
	cr_expect_null(back.data[BUNDLE_PEM + PEM_CERT]);
	cr_expect_arr_eq(back.data[BUNDLE_PEM + PEM_KEY], "key", 3);
	cr_expect_null(back.data[BUNDLE_PEM + PEM_CLIENT_CA]);
	bundle_free(&back);
	cr_assert_eq(bundle_read(fd, 8, &back), 0);
	cr_expect_eq(back.size[BUNDLE_CONFIG], 0);
	cr_expect_not_null(back.data[BUNDLE_CONFIG], "empty is there");
	cr_expect_arr_eq(back.data[BUNDLE_PEM + PEM_CERT], "certificate", 11);
	bundle_free(&back);
	bundle_free(&first);
	bundle_free(&second);
	close(fd);
}

Test(bundle, nothing_is_believed)
{
	uint32_t sizes[BUNDLE_PARTS] = { SETTINGS_SIZE_MAX + 1 };
	struct bundle back;
	int fd = memory();

	cr_expect_eq(bundle_read(fd, 1, &back), -EBADMSG, "nothing was written");
	cr_expect_eq(pwrite(fd, sizes, sizeof(sizes), 0), (ssize_t)sizeof(sizes));
	cr_expect_eq(bundle_read(fd, 2, &back), -EBADMSG, "too large");
	sizes[0] = SETTINGS_SIZE_MAX;
	cr_expect_eq(pwrite(fd, sizes, sizeof(sizes), 0), (ssize_t)sizeof(sizes));
	cr_expect_eq(bundle_read(fd, 2, &back), -EBADMSG, "more than there is");
	cr_expect_null(back.data[0]);
	close(fd);
}
