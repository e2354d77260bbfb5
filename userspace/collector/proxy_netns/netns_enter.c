// SPDX-License-Identifier: Apache-2.0
#include "collector/proxy_netns/netns_enter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "collector/discovery/netns.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"

static int home = -1;

int netns_home_open(void)
{
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return home < 0 ? -errno : 0;
}

int proxy_netns_enter(struct proxy_netns *netns)
{
	const pid_t known = netns->pid;
	_cleanup_close_ int fd = -1;
	int r;

	if (!netns->remote)
		return 0;
	fd = netns_open(netns->map_entry.netns_inode, &netns->pid);
	r = fd < 0 ? fd : netns_enter(fd);
	if (r || netns->pid == known || netns_cookie() == netns->map_entry.netns_cookie)
		return r;
	netns->pid = 0; /* of another proxy: ours is gone and its inode was reused */
	proxy_netns_leave(netns);
	return -ESTALE;
}

void proxy_netns_leave(const struct proxy_netns *netns)
{
	if (netns->remote)
		netns_home_return();
}

void netns_home_return(void)
{
	int r = netns_enter(home);

	if (!r)
		return;
	log_error("cannot return from another network namespace", field_error(r));
	exit(EXIT_FAILURE);
}
