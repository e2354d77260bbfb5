// SPDX-License-Identifier: Apache-2.0
#include "webconfig/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/time.h"

static struct file_mark mark_make(const struct stat *status)
{
	return (struct file_mark){
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = (uint64_t)status->st_size,
		.modified_ns = status->st_mtim.tv_sec * (int64_t)NS_PER_S + status->st_mtim.tv_nsec,
		.changed_ns = status->st_ctim.tv_sec * (int64_t)NS_PER_S + status->st_ctim.tv_nsec,
	};
}

struct file_mark file_mark_read(const char *path)
{
	struct stat status;

	if (!*path)
		return (struct file_mark){ 0 };
	if (stat(path, &status) < 0)
		return (struct file_mark){ .error = errno };
	return mark_make(&status);
}

bool file_same(const struct file_mark *a, const struct file_mark *b)
{
	return a->error == b->error && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->modified_ns == b->modified_ns &&
	       a->changed_ns == b->changed_ns;
}

static int whole_read(int fd, char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(fd, data + done, size - done);

		if (got <= 0)
			return got < 0 ? -errno : -EAGAIN; /* the file became shorter */
		done += (size_t)got;
	}
	return 0;
}

int file_read(const char *path, size_t most, char **data, size_t *size, struct file_mark *mark)
{
	/* O_NONBLOCK: opening a FIFO without a writer would block forever. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *bytes = NULL;
	struct file_mark after;
	struct stat status;
	int r;

	*mark = file_mark_read(path);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	*mark = mark_make(&status);
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if ((uint64_t)status.st_size > most)
		return -EFBIG;
	bytes = malloc((size_t)status.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	r = whole_read(fd, bytes, (size_t)status.st_size);
	if (r)
		return r;
	if (fstat(fd, &status) < 0)
		return -errno;
	after = mark_make(&status);
	if (!file_same(mark, &after))
		return -EAGAIN;
	*size = (size_t)status.st_size;
	*data = TAKE_PTR(bytes);
	return 0;
}

const char *file_error(int error)
{
	switch (error) {
	case EFBIG: return "too large";
	case EINVAL: return "not a regular file";
	default: return strerror(error);
	}
}
