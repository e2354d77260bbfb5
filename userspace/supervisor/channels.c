// SPDX-License-Identifier: Apache-2.0
#include "supervisor/channels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/log/log.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u /* Linux 6.3; implies MFD_ALLOW_SEALING */
#endif

/* Sealed against shrinking, so that the writer cannot make a reader that mapped it fault. */
static int memory_open(const char *name)
{
	_cleanup_close_ int fd =
		memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int memories_open(const char *name, int *writer, int *reader)
{
	char path[32];

	*writer = memory_open(name);
	if (*writer < 0)
		return *writer;
	/*
	 * A duplicate would stay writable: only opening the file again gives a read-only
	 * descriptor.
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *writer);
	*reader = open(path, O_RDONLY | O_CLOEXEC);
	if (*reader < 0) /* no /proc: web could write the data that only it reads */
		*reader = fcntl(*writer, F_DUPFD_CLOEXEC, 0);
	return *reader < 0 ? -errno : 0;
}

static int parts_open(struct channels *channels, bool bundle_wanted)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	channels->web = pair[0];
	channels->collector = pair[1];
	r = memories_open("snapshot", &channels->snapshot, &channels->snapshot_reader);
	if (!r && bundle_wanted)
		r = memories_open("web-config", &channels->bundle, &channels->bundle_reader);
	return r;
}

int channels_open(struct channels *channels, bool bundle_wanted)
{
	int r = parts_open(channels, bundle_wanted);

	if (r < 0)
		log_error("cannot open channels between processes", field_error(r));
	return r;
}

void channels_take(struct channels *channels, struct child *child)
{
	child->channel = -1;
	child->snapshot = -1;
	child->bundle = -1;
	if (child->process == PROCESS_WEB) {
		child->channel = TAKE_FD(channels->web);
		child->snapshot = TAKE_FD(channels->snapshot_reader);
		child->bundle = TAKE_FD(channels->bundle_reader);
	} else if (child->process == PROCESS_COLLECTOR) {
		child->channel = TAKE_FD(channels->collector);
		child->snapshot = TAKE_FD(channels->snapshot);
	} else if (child->process == PROCESS_WEBCONFIG) {
		child->bundle = TAKE_FD(channels->bundle);
	}
	close_descriptor(&channels->web);
	close_descriptor(&channels->collector);
	close_descriptor(&channels->snapshot);
	close_descriptor(&channels->snapshot_reader);
	close_descriptor(&channels->bundle);
	close_descriptor(&channels->bundle_reader);
}
