// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HALF_SIZE (4 * 1024 * 1024)
#define ABSENT UINT32_MAX

_Static_assert(SETTINGS_SIZE_MAX + PEM_MAX * SETTINGS_PEM_MAX + 4096 <= HALF_SIZE,
	       "a bundle fits into its half");

void bundle_free(struct bundle *bundle)
{
	for (int i = 0; i < BUNDLE_PARTS; i++) {
		if (bundle->data[i])
			explicit_bzero(bundle->data[i], bundle->size[i]);
		free(bundle->data[i]);
	}
	*bundle = (struct bundle){ 0 };
}

static off_t half_at(uint64_t sequence)
{
	return sequence & 1 ? HALF_SIZE : 0;
}

static int all_write(int fd, const void *data, size_t size, off_t at)
{
	for (size_t done = 0; done < size;) {
		ssize_t written =
			pwrite(fd, (const char *)data + done, size - done, at + (off_t)done);

		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		done += (size_t)written;
	}
	return 0;
}

static int all_read(int fd, void *data, size_t size, off_t at)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = pread(fd, (char *)data + done, size - done, at + (off_t)done);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		done += (size_t)got;
	}
	return 0;
}

int bundle_write(int fd, uint64_t sequence, const struct bundle *bundle)
{
	uint32_t sizes[BUNDLE_PARTS];
	off_t at = half_at(sequence);
	int r;

	for (int i = 0; i < BUNDLE_PARTS; i++)
		sizes[i] = bundle->data[i] ? (uint32_t)bundle->size[i] : ABSENT;
	r = all_write(fd, sizes, sizeof(sizes), at);
	at += (off_t)sizeof(sizes);
	for (int i = 0; i < BUNDLE_PARTS && !r; i++) {
		if (!bundle->data[i])
			continue;
		r = all_write(fd, bundle->data[i], bundle->size[i], at);
		at += (off_t)bundle->size[i];
	}
	return r;
}

static int part_read(int fd, struct bundle *bundle, int part, uint32_t size, off_t at)
{
	size_t most = part == BUNDLE_CONFIG ? SETTINGS_SIZE_MAX : SETTINGS_PEM_MAX;

	if (size > most)
		return -EBADMSG;
	bundle->data[part] = malloc((size_t)size + 1);
	if (!bundle->data[part])
		return -ENOMEM;
	bundle->size[part] = size;
	return all_read(fd, bundle->data[part], size, at);
}

int bundle_read(int fd, uint64_t sequence, struct bundle *bundle)
{
	uint32_t sizes[BUNDLE_PARTS];
	off_t at = half_at(sequence);
	int r;

	*bundle = (struct bundle){ 0 };
	r = all_read(fd, sizes, sizeof(sizes), at);
	at += (off_t)sizeof(sizes);
	for (int i = 0; i < BUNDLE_PARTS && !r; i++) {
		if (sizes[i] == ABSENT)
			continue;
		r = part_read(fd, bundle, i, sizes[i], at);
		at += (off_t)sizes[i];
	}
	if (r)
		bundle_free(bundle);
	return r;
}
