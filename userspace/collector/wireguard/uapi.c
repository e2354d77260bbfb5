// SPDX-License-Identifier: Apache-2.0
#include "collector/wireguard/uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "lib/cleanup.h"

#define REQUEST "get=1\n\n"
#define READ_SIZE 16384

int uapi_socket_open(int root, const char *interface)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_close_ int fd = -1;
	struct stat status;
	char path[64];

	if (strchr(interface, '/') ||
	    snprintf(path, sizeof(path), "var/run/wireguard/%s.sock", interface) >= 64)
		return -EINVAL;
	fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	return TAKE_FD(fd);
}

int uapi_begin(struct uapi *uapi, int root, const char *interface, struct wireguard_device *device)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int file = uapi_socket_open(root, interface);
	_cleanup_close_ int fd = -1;

	uapi->fd = -1;
	if (file < 0)
		return file;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Connect to the file that was checked: the path may have changed. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return errno == EAGAIN ? -EBUSY : -errno; /* EAGAIN: its backlog is full */
	if (send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) != (ssize_t)strlen(REQUEST))
		return -errno;
	uapi_parser_init(&uapi->parser, device);
	uapi->fd = TAKE_FD(fd);
	return 0;
}

int uapi_continue(struct uapi *uapi)
{
	char bytes[READ_SIZE];
	ssize_t n = recv(uapi->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int r;

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	r = n ? uapi_parse(&uapi->parser, bytes, n) : -EBADMSG; /* the peer closed early */
	explicit_bzero(bytes, sizeof(bytes)); /* it contains the private and preshared keys */
	return r ?: -EAGAIN;
}

void uapi_end(struct uapi *uapi)
{
	close_descriptor(&uapi->fd);
}
