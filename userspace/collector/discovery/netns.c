// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "collector/discovery/processes.h"
#include "lib/array.h"
#include "lib/cleanup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Without /proc: uses a socket (SIOCGSKNS, net/socket.c), which needs CAP_NET_ADMIN. */
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

	/* Not /proc/self: setns moves a single thread, and may have moved this one. */
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

/* Opens before the check: the target of a pid or a path can change at any time. */
static int open_checked(const char *path, uint32_t inode)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	return (uint32_t)status.st_ino == inode ? TAKE_FD(fd) : -ESTALE;
}

static int open_of_process(pid_t pid, uint32_t inode)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return open_checked(path, inode);
}

struct wanted_netns {
	uint32_t inode;
	pid_t pid;
	int fd; /* -1 until found */
};

static int try_process(int proc, pid_t pid, void *context)
{
	struct wanted_netns *wanted = context;

	if (process_netns(proc, pid) != wanted->inode)
		return 0;
	wanted->pid = pid;
	wanted->fd = open_of_process(pid, wanted->inode);
	return wanted->fd >= 0;
}

static int find_process(uint32_t inode, pid_t *pid)
{
	struct wanted_netns wanted = { .inode = inode, .fd = -1 };

	if (!pids_each(PROCESSES_ROOT, try_process, &wanted))
		return -ESRCH;
	*pid = wanted.pid;
	return wanted.fd;
}

/* Finds a mount of the namespace in mountinfo of a process, below its root (proc(5)). */
static int find_mount(uint32_t inode, const char *mountinfo, const char *root)
{
	_cleanup_fclose_ FILE *f = fopen(mountinfo, "re");
	char line[1024], wanted[32];

	snprintf(wanted, sizeof(wanted), " net:[%u] ", inode);
	while (f && fgets(line, sizeof(line), f)) {
		char path[1100], point[1024];
		int fd;

		if (!strstr(line, wanted) || sscanf(line, "%*s %*s %*s %*s %1023s", point) != 1)
			continue;
		snprintf(path, sizeof(path), "%s%s", root, point);
		fd = open_checked(path, inode);
		if (fd >= 0)
			return fd;
	}
	return -ESRCH;
}

int netns_open(uint32_t inode, pid_t *pid)
{
	int fd = *pid ? open_of_process(*pid, inode) : -ESRCH;

	if (fd < 0)
		fd = find_process(inode, pid);
	if (fd >= 0)
		return fd;
	*pid = 0;
	fd = find_mount(inode, "/proc/self/mountinfo", "");
	return fd >= 0 ? fd : find_mount(inode, "/proc/1/mountinfo", "/proc/1/root");
}

struct inodes {
	uint32_t *inodes;
	size_t count, max;
};

static int inode_add(struct inodes *list, uint32_t inode)
{
	uint32_t *more = array_room(list->inodes, list->count, &list->max, sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->inodes = more;
	list->inodes[list->count++] = inode;
	return 0;
}

static int add_process(int proc, pid_t pid, void *context)
{
	uint32_t inode = process_netns(proc, pid);

	return inode ? inode_add(context, inode) : 0;
}

static int add_mounts(struct inodes *list, const char *mountinfo)
{
	_cleanup_fclose_ FILE *f = fopen(mountinfo, "re");
	char line[1024];
	int r = 0;

	while (!r && f && fgets(line, sizeof(line), f)) {
		const char *found = strstr(line, " net:[");

		if (found)
			r = inode_add(list, (uint32_t)strtoul(found + strlen(" net:["), NULL, 10));
	}
	return r;
}

static int compare_inodes(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int netns_each(netns_callback *callback, void *context)
{
	struct inodes list = {};
	int r = pids_each(PROCESSES_ROOT, add_process, &list);

	r = r ?: add_mounts(&list, "/proc/self/mountinfo");
	r = r ?: add_mounts(&list, "/proc/1/mountinfo");
	if (list.count)
		qsort(list.inodes, list.count, sizeof(*list.inodes), compare_inodes);
	for (size_t i = 0; !r && i < list.count; i++) {
		_cleanup_close_ int fd = -1;
		pid_t pid = 0;

		if (i && list.inodes[i] == list.inodes[i - 1])
			continue;
		fd = netns_open(list.inodes[i], &pid);
		if (fd >= 0)
			r = callback(fd, list.inodes[i], context);
	}
	free(list.inodes);
	return r;
}

int netns_enter(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}
