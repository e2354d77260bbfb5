/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxies that are watched: the one of a sidecar, or all of a node, which come and go. A proxy
 * of a node is a network namespace in which a SOCKS server was seen to listen; it ends with its
 * namespace.
 */
#pragma once

#include "collector/destinations/destinations.h"
#include "collector/discovery/identity.h"
#include "collector/discovery/namespaces.h"
#include "collector/kernel/kernel.h"
#include "collector/proxy_netns/proxy_netns.h"

struct managed_proxy {
	struct proxy_netns netns;
	struct identity identity;
	int32_t nsid;		    /* NSID_NONE: our own namespace, or it could get none */
	bool start_due;		    /* to be started: it has no slot yet */
	bool scan_due;		    /* events of its interfaces were missed */
	bool device_due;	    /* a tunnel of it came or changed: its device is to be asked */
	bool gone;		    /* its namespace has ended */
	uint64_t repaired_ns;	    /* when all of it was last looked at */
	struct managed_proxy *next; /* of those that have ended */
	pid_t device_pid; /* in whose root its devices' sockets are; 0: in that of its server */
	unsigned int device_searches; /* in vain, since a tunnel came or changed */
	uint64_t reconcile_at_ns;     /* see reconciliation.h */
};

struct proxies {
	const struct config *config;
	struct kernel *kernel;
	struct destinations *destinations;
	struct managed_proxy **managed; /* in the order in which they came, --proxies.max at most */
	uint32_t count;
	struct managed_proxy **by_slot;
	struct managed_proxy
		*ended; /* no proxies any more; their slots are to be cleared, one in each step */
	struct identities identities;
	struct namespaces namespaces; /* of a node; events_fd -1 in a sidecar */
	uint32_t own_inode;
	bool events_of_own_netns_only; /* to the events of other namespaces */
	uint32_t waiting;
	uint32_t unwatched; /* proxies that the last scan found, and for which there is no room or
			       no right */
	uint32_t cursor;    /* whose turn it is to be looked after */
	bool scan_due;	    /* at all processes: a SOCKS server began to listen somewhere */
	uint64_t scanned_ns;
	uint64_t scan_pause_ns; /* until then: whoever listens all the time must not make us scan
				   all the time */
	uint64_t device_searched_ns;
	uint32_t reconcile_cursor;
	uint64_t reconcile_pause_ns; /* until then */
	uint64_t links_lost;	     /* of proxies that are gone */
	uint64_t peers_lost;
};

/*
 * A sidecar has its proxy from now on; a node scans. Returns 0, or -errno after a line that says
 * what failed: then there is no proxies to work with.
 */
int proxies_open(struct proxies *proxies, const struct config *config, struct kernel *kernel,
		 struct destinations *destinations);

/* Poll this for reading, then call proxies_links. */
int proxies_events_fd(const struct proxies *proxies);
void proxies_links(struct proxies *proxies);

/* Of a node: reads events of its namespaces; those that have ended are no proxies any more. */
void proxies_ends(struct proxies *proxies);

/*
 * The kernel side was loaded: slots that an earlier process left get their proxies back, or are
 * made ready for others.
 */
void proxies_loaded(struct proxies *proxies);

/*
 * Does a little of what is to be done: a scan, or the end or the start of one proxy, which takes up
 * to 60 ms with TCX. Returns whether there is more.
 */
bool proxies_step(struct proxies *proxies);

/*
 * How long proxies_step may be left alone, as epoll_wait has it: milliseconds, or -1: until
 * something happens.
 */
int proxies_rest_ms(const struct proxies *proxies);

/* An event of the socket programs. */
void proxies_event(struct proxies *proxies, const struct event *event);

/* Each second. */
void proxies_tick(struct proxies *proxies, uint64_t now_ns);

/* Reads the WireGuard devices of all remote proxies side by side, before a snapshot. */
void proxies_wireguard(struct proxies *proxies);

/* Keeps what is pinned attached; or detaches everything. */
void proxies_close(struct proxies *proxies, bool remove);

/* When each proxy's sessions are compared with its sockets (kernel/reconcile.h). */

/*
 * At once, for the next one whose connections may be older than our knowledge of its ports. Returns
 * whether there was one.
 */
bool reconcile_new_ports(struct proxies *proxies);

/*
 * Each second: the next one that is due, and has sessions at all. With `missed` (the recursion
 * guard has struck) all of these are due. Costs at most 0.5 % of a CPU.
 */
void reconcile_tick(struct proxies *proxies, bool missed, uint64_t now_ns);
