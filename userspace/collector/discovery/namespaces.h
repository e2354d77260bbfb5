/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of other network namespaces, received by one socket (NETLINK_LISTEN_ALL_NSID, Linux 4.2
 * and later). One open socket in each namespace would keep all of them alive. A namespace needs a
 * number here (nsid) before its events arrive.
 */
#pragma once

#include "collector/discovery/links.h"

#define NSID_NONE (-1) /* our own namespace, or no number */

struct namespaces {
	int events_fd; /* poll it for reading */
	int requests_fd;
};

typedef void namespace_link_callback(int32_t nsid, const struct link *link, enum link_event event,
				     void *context);
/* Called when the namespace with this number has ended. */
typedef void namespace_gone_callback(int32_t nsid, void *context);

/*
 * Opens the sockets in the current namespace. Returns 0 or -errno; -EPERM without
 * CAP_NET_BROADCAST: events_fd then receives events of our own namespace only.
 */
int namespaces_open(struct namespaces *namespaces);
void namespaces_close(struct namespaces *namespaces);

/*
 * Returns the number of the namespace behind a descriptor; assigns one if it has none. Returns 0 or
 * -errno.
 */
int namespaces_number(struct namespaces *namespaces, int netns_fd, int32_t *nsid);

/* Returns 1 if a namespace with this number exists, 0 if not, or -errno. */
int namespaces_alive(struct namespaces *namespaces, int32_t nsid);

/*
 * Calls the callbacks for pending events; never waits. Returns 0; 1: there can be more (it reads a
 * few hundred); -ENOBUFS: events were lost, check everything again.
 */
int namespaces_read(struct namespaces *namespaces, namespace_link_callback *on_link,
		    namespace_gone_callback *on_gone, void *context);
