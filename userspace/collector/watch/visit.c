// SPDX-License-Identifier: Apache-2.0
#include "visit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../discovery/netns.h"
#include "wgsocks/cleanup.h"
#include "wgsocks/log.h"

static int home = -1;

int visit_home(void)
{
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return home < 0 ? -errno : 0;
}

int visit_begin(struct watch *watch)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!watch->remote)
		return 0;
	fd = netns_open(watch->entry.netns_inode, &watch->pid);
	if (fd < 0)
		return fd;
	r = netns_enter(fd);
	if (r || netns_cookie() == watch->entry.netns_cookie)
		return r;
	/* The kernel gives the inode of a dead namespace to the next one: it is another proxy, or none. */
	visit_end(watch);
	watch->pid = 0;
	return -ESTALE;
}

void visit_end(const struct watch *watch)
{
	int r = watch->remote ? netns_enter(home) : 0;

	if (!r)
		return;
	log_error("cannot come back from the network namespace of proxy %s: %s", watch->name, strerror(-r));
	exit(EXIT_FAILURE); /* the supervisor starts another one, which is at home */
}
