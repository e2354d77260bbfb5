/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one file whole, and telling whether it is still the one that was read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a path leads to; through symbolic links, so that Kubernetes's swaps are seen. */
struct file_mark {
	int error; /* errno when it cannot be looked at */
	uint64_t device, inode, size;
	int64_t modified_ns, changed_ns;
};

/* The mark of a path; "" is that of nothing. */
struct file_mark file_mark_read(const char *path);

bool file_same(const struct file_mark *a, const struct file_mark *b);

/*
 * Reads a regular file of at most `most` bytes; *mark is what it was before the first byte, error
 * included. Returns 0; -errno with one of these told as its own words by file_error: -EFBIG,
 * -EINVAL (no regular file), -EAGAIN (it changed meanwhile).
 */
int file_read(const char *path, size_t most, char **data, size_t *size, struct file_mark *mark);

const char *file_error(int error);
