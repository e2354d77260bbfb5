// SPDX-License-Identifier: Apache-2.0
#include "web/block.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int block_grow(int fd, uint64_t length, void **block, size_t *max)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *grown;

	/* No memory for what is only claimed. */
	if (length > BLOCK_MAX || size < 0 || (uint64_t)size < length)
		return -EBADMSG;
	grown = malloc(length);
	if (!grown)
		return -ENOMEM;
	free(*block);
	*block = grown;
	*max = length;
	return 0;
}

int block_read(int fd, uint64_t length, void **block, size_t *max)
{
	if (length > *max) {
		int err = block_grow(fd, length, block, max);

		if (err)
			return err;
	}
	for (uint64_t at = 0; at < length;) {
		ssize_t got = pread(fd, (char *)*block + at, length - at, (off_t)at);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		at += (uint64_t)got;
	}
	return 0;
}
