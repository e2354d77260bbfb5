/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a whole file, and detects whether it has changed since. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Identifies the file that a path leads to and its version. Follows symbolic links, which
 * Kubernetes replaces when a Secret changes.
 */
struct file_mark {
	int error; /* errno of stat; 0: success */
	uint64_t device, inode, size;
	int64_t modified_ns, changed_ns;
};

/* The mark of a path; all zero for "". */
struct file_mark file_mark_read(const char *path);

bool file_same(const struct file_mark *a, const struct file_mark *b);

/*
 * Reads a regular file of at most `most` bytes into *data, which the caller frees. *mark is the
 * mark before reading, also on errors. Returns 0, -EFBIG (too large), -EINVAL (not a regular file),
 * -EAGAIN (the file changed while being read) or another -errno.
 */
int file_read(const char *path, size_t most, char **data, size_t *size, struct file_mark *mark);

/* The text of an error (positive errno) of file_read. */
const char *file_error(int error);
