/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One watched proxy: its network namespace, tunnels, other interfaces and listeners, and their
 * attachments. Kept up to date by events of netlink and of the programs; a slow tick repairs what
 * events missed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "collector/attach/attach.h"
#include "collector/discovery/links.h"
#include "collector/kernel/kernel.h"
#include "collector/wireguard/wireguard.h"
#include "lib/process/shared.h"
#include <wgsocks/abi.h>

/* limit of watched interfaces in one network namespace; more are logged and count as a loss */
#define PROXY_LINKS_MAX 64
#define SOCKS_PORT_DEFAULT 1080 /* RFC 1928, section 3 */

struct watched_link {
	struct link link; /* ifindex 0: free */
	bool tunnel;
	unsigned int tunnel_index; /* of a tunnel, in struct proxy */
	bool seen;		   /* in the current dump */
	int error;		   /* of the last attempt to attach; 0: all attached */
	struct attachment attachments[2];
	unsigned int attachment_count;
};

/* Listener events that the programs did not send (struct event_budget). */
struct skipped_events {
	uint32_t total;	 /* at the last check */
	uint32_t logged; /* total of the last log line */
	uint64_t logged_ns;
};

struct proxy_netns {
	const struct config *config;
	struct kernel *kernel;
	uint32_t slot; /* valid after proxy_netns_start */
	bool started;
	char name[CONFIG_NAME_SIZE];
	struct proxy map_entry; /* as in the `proxies` map */
	bool remote;		/* in another network namespace than ours: see netns_enter.h */
	pid_t pid;		/* a process in the namespace; 0: not known */
	struct links links;	/* closed between uses if remote */
	struct watched_link *table;
	unsigned int table_size;		  /* at most PROXY_LINKS_MAX */
	uint32_t former_ifindex[ABI_TUNNELS_MAX]; /* last watched device, by tunnel_index */
	/* Interfaces found now may have existed since then without being watched */
	uint64_t unwatched_since_ns;
	bool ports_configured;
	/* Ports with an expected listener; map_entry.ports also contains former ports */
	uint16_t ports[ABI_PORTS_MAX];
	unsigned int port_count;
	uint16_t candidates[ABI_PORTS_MAX]; /* found by the last discovery */
	unsigned int candidate_count;
	bool discovered;	/* true after the first discovery */
	bool discovery_due;	/* a SOCKS server started to listen */
	uint64_t discovered_ns; /* last read of /proc */
	struct skipped_events events_skipped;
	uint32_t ports_lost; /* last port without room */
	bool ports_added;    /* since the last comparison of sessions and sockets */
	bool unpublished;    /* the netns table has no room for it */
	bool listener_up;    /* all expected ports have a listener */
	uint64_t links_lost; /* interfaces that could not be watched */
	uint32_t link_lost;  /* the last of these */
	struct wireguard wireguard;
};

/*
 * Opens the current network namespace: our own, where netlink stays open, or another one
 * (`remote`). proxy_netns_start assigns the slot. Returns 0 or -errno.
 */
int proxy_netns_open(struct proxy_netns *netns, const struct config *config, struct kernel *kernel,
		     const char *name, bool remote);

/*
 * The functions below query the network namespace of the proxy: call them inside it if remote.
 *
 * Call after the kernel side was loaded. Writes the slot, attaches to each interface, then
 * publishes the namespace to the socket programs. In this order, packets of each connection that
 * they see are seen from the start. Returns 0 or -errno.
 */
int proxy_netns_start(struct proxy_netns *netns, uint32_t slot);

/* Reads pending netlink events; call when netns->links.events_fd is readable. */
void proxy_netns_links(struct proxy_netns *netns);

/* Checks the listeners; with `discover`, also searches the ports of SOCKS servers (reads /proc). */
void proxy_netns_listeners(struct proxy_netns *netns, bool discover);

/* A process started or stopped listening in this namespace. */
void proxy_netns_listener_event(struct proxy_netns *netns, const struct event *event);

/*
 * Call each second: retries failures, repairs attachments, and searches new listeners if there was
 * an event.
 */
void proxy_netns_tick(struct proxy_netns *netns);

/* Closes; pins stay attached. proxy_netns_remove detaches everything. */
void proxy_netns_close(struct proxy_netns *netns);
void proxy_netns_remove(struct proxy_netns *netns);

/* Releases a proxy whose network namespace and interfaces are gone. Call in our own namespace. */
void proxy_netns_gone(struct proxy_netns *netns);

/* Changes the name after a proxy with the same name was added or removed. */
void proxy_netns_rename(struct proxy_netns *netns, const char *name);

/*
 * Reads the WireGuard devices of the tunnels unless that is switched off. Waits for userspace
 * devices, at most WIREGUARD_WAIT_NS. Returns 0 or the first -errno. _begin and _end do this in two
 * steps for many proxies in parallel: see wireguard.h.
 */
int proxy_netns_wireguard(struct proxy_netns *netns);
void proxy_netns_wireguard_begin(struct proxy_netns *netns);
int proxy_netns_wireguard_end(struct proxy_netns *netns);

/* Sets the ports of SOCKS servers in this namespace, as the caller found them. */
void proxy_netns_ports_found(struct proxy_netns *netns, const uint16_t *ports, unsigned int count);

/* Call after events were lost: scans all interfaces. */
void proxy_netns_scan(struct proxy_netns *netns);

/* Attaches again where it failed or was undone; checks the listeners. */
void proxy_netns_repair(struct proxy_netns *netns);

/* Handles one event of an interface of this namespace. */
void proxy_netns_link_event(struct proxy_netns *netns, const struct link *link,
			    enum link_event event);

/*
 * Returns whether a tunnel is usable, by the last reading of its device; if that is not known,
 * whether its interface is up.
 */
bool proxy_netns_tunnel_usable(const struct proxy_netns *netns, unsigned int tunnel_index);

/* Writes the state for health probes. */
void proxy_netns_health(const struct proxy_netns *netns, struct health_proxy *health);

/* Returns the interface of a tunnel; NULL if it does not exist now. */
const struct watched_link *proxy_netns_tunnel(const struct proxy_netns *netns,
					      unsigned int tunnel_index);
