// SPDX-License-Identifier: Apache-2.0
#include "netns.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "wgsocks/cleanup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Where there is no /proc: by way of a socket, which takes CAP_NET_ADMIN (SIOCGSKNS, net/socket.c). */
static int inode_of_socket(struct stat *status)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int namespace = -1;

	if (fd < 0)
		return -errno;
	namespace = ioctl(fd, SIOCGSKNS);
	return namespace < 0 || fstat(namespace, status) ? -errno : 0;
}

int netns_inode(uint32_t *inode)
{
	struct stat status;

	/* Not /proc/self: setns moves a thread, and a test or an agent may have moved this one. */
	if (stat("/proc/thread-self/ns/net", &status) != 0) {
		int r = inode_of_socket(&status);

		if (r)
			return r;
	}
	*inode = (uint32_t)status.st_ino;
	return 0;
}

uint64_t netns_cookie(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0)
		return 0;
	return cookie;
}
