/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens in other network namespaces, heard from one socket of our own
 * (NETLINK_LISTEN_ALL_NSID, Linux 4.2+): a socket that was kept open in each would keep them alive.
 * A namespace is heard once it has a number here (nsid).
 */
#pragma once

#include "collector/discovery/links.h"

#define NSID_NONE (-1) /* our own namespace, or one without a number */

struct namespaces {
	int events_fd; /* poll this for reading */
	int requests_fd;
};

typedef void namespace_link_callback(int32_t nsid, const struct link *link, enum link_event event,
				     void *context);
/* The namespace of this number has ended. */
typedef void namespace_gone_callback(int32_t nsid, void *context);

/*
 * Opens the sockets in the current namespace. Returns 0 or -errno; -EPERM without
 * CAP_NET_BROADCAST: then events_fd hears our own namespace alone.
 */
int namespaces_open(struct namespaces *namespaces);
void namespaces_close(struct namespaces *namespaces);

/*
 * The number of a namespace, by a descriptor of it; it gets one if it has none. Returns 0 or
 * -errno.
 */
int namespaces_number(struct namespaces *namespaces, int netns_fd, int32_t *nsid);

/* Whether a namespace of this number still is: 1, 0 or -errno. */
int namespaces_alive(struct namespaces *namespaces, int32_t nsid);

/*
 * Hands the pending events on, never waits. Returns 0; 1 when there may be more of them (it reads a
 * few hundred); or -ENOBUFS when events were lost: what was pending is read, and everything is to
 * be looked at again.
 */
int namespaces_read(struct namespaces *namespaces, namespace_link_callback *on_link,
		    namespace_gone_callback *on_gone, void *context);
