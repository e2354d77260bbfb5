/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watched proxies: the one of a sidecar, or all of a node. A proxy of a node is a network
 * namespace in which a SOCKS server was seen to listen; it ends with its namespace.
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
	int32_t nsid;		    /* NSID_NONE: our own namespace, or no number was assigned */
	bool start_due;		    /* no slot yet; start it */
	bool scan_due;		    /* events of its interfaces were lost */
	bool device_due;	    /* a tunnel was added or changed: read its device */
	bool gone;		    /* its namespace has ended */
	uint64_t repaired_ns;	    /* last check of everything */
	struct managed_proxy *next; /* in the list of ended proxies */
	/* Process whose root contains the device sockets; 0: that of the server */
	pid_t device_pid;
	unsigned int device_searches; /* failed searches since a tunnel was added or changed */
	uint64_t reconcile_at_ns;     /* see reconciliation.h */
};

struct proxies {
	const struct config *config;
	struct kernel *kernel;
	struct destinations *destinations;
	struct managed_proxy **managed; /* in order of appearance, at most --proxies.max */
	uint32_t count;
	struct managed_proxy **by_slot;
	struct managed_proxy *ended; /* ended proxies; each step clears the slot of one */
	struct identities identities;
	struct namespaces namespaces; /* only on a node; events_fd is -1 in a sidecar */
	uint32_t own_inode;
	bool events_of_own_netns_only; /* no events of other namespaces */
	uint32_t waiting;
	uint32_t unwatched; /* found, but not watched: limit or capability */
	uint32_t cursor;    /* next proxy to check */
	bool scan_due;	    /* scan all processes: a SOCKS server started to listen */
	uint64_t scanned_ns;
	/* No scan before this time, to limit CPU use if servers start all the time */
	uint64_t scan_pause_ns;
	uint64_t device_searched_ns;
	uint32_t reconcile_cursor;
	uint64_t reconcile_pause_ns; /* no reconciliation before this time */
	uint64_t links_lost;	     /* of ended proxies */
	uint64_t peers_lost;
};

/*
 * Creates the proxy of a sidecar; on a node, schedules a scan. Returns 0, or -errno after logging
 * the failure: `proxies` is then not usable.
 */
int proxies_open(struct proxies *proxies, const struct config *config, struct kernel *kernel,
		 struct destinations *destinations);

/* Poll this for reading, then call proxies_links. */
int proxies_events_fd(const struct proxies *proxies);
void proxies_links(struct proxies *proxies);

/* On a node: reads events of its namespaces and removes the proxies whose namespace ended. */
void proxies_ends(struct proxies *proxies);

/*
 * Call after the kernel side was loaded: restores the proxies of slots from an earlier process, or
 * clears these slots.
 */
void proxies_loaded(struct proxies *proxies);

/*
 * Does one piece of pending work: a scan, or the end or start of one proxy (up to 60 ms with TCX).
 * Returns whether more is pending.
 */
bool proxies_step(struct proxies *proxies);

/*
 * Returns the time until proxies_step must be called, as for epoll_wait: milliseconds, or -1: not
 * before an event.
 */
int proxies_rest_ms(const struct proxies *proxies);

/* Handles an event of the socket programs. */
void proxies_event(struct proxies *proxies, const struct event *event);

/* Call each second. */
void proxies_tick(struct proxies *proxies, uint64_t now_ns);

/* Reads the WireGuard devices of all remote proxies in parallel, before a snapshot. */
void proxies_wireguard(struct proxies *proxies);

/* Closes all proxies; pins stay attached. With `remove`, detaches everything. */
void proxies_close(struct proxies *proxies, bool remove);

/* Schedules the comparison of sessions and sockets for each proxy (kernel/reconcile.h). */

/*
 * Runs now for the next proxy whose connections can be older than our knowledge of its ports.
 * Returns whether there was one.
 */
bool reconcile_new_ports(struct proxies *proxies);

/*
 * Call each second: runs for the next proxy that is due and has sessions. `missed`: a recursion
 * miss happened, so all of them are due. Uses at most 0.5 % of a CPU.
 */
void reconcile_tick(struct proxies *proxies, bool missed, uint64_t now_ns);
