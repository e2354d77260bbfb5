/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One proxy that is watched: its network namespace, tunnels, other interfaces and listeners, and
 * what is attached where. Kept up to date by netlink events and the kernel's own; a slow tick
 * repairs what events missed.
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

/* interfaces of one network namespace that are watched; more are a line and a loss */
#define PROXY_LINKS_MAX 64
#define SOCKS_PORT_DEFAULT 1080 /* RFC 1928, section 3 */

struct watched_link {
	struct link link; /* ifindex 0: free */
	bool tunnel;
	unsigned int tunnel_index; /* of a tunnel, in struct proxy */
	bool seen;		   /* by the dump that runs */
	int error;		   /* of the last attempt to attach: 0 when all is attached */
	struct attachment attachments[2];
	unsigned int attachment_count;
};

struct proxy_netns {
	const struct config *config;
	struct kernel *kernel;
	uint32_t slot; /* since proxy_netns_start */
	bool started;
	char name[CONFIG_NAME_SIZE];
	struct proxy map_entry; /* as in the `proxies` map */
	bool remote;		/* in another network namespace than ours: see netns_enter.h */
	pid_t pid;		/* a process in it; 0: none is known */
	struct links links;	/* closed outside where it is remote */
	struct watched_link *table;
	unsigned int table_size;		  /* at most PROXY_LINKS_MAX */
	uint32_t former_ifindex[ABI_TUNNELS_MAX]; /* of the device that was last watched by
						     tunnel_index */
	uint64_t unwatched_since_ns; /* since when what comes now may have been there */
	bool ports_configured;
	uint16_t ports[ABI_PORTS_MAX]; /* those that a listener is expected on now; map_entry.ports
					  keeps former ones too */
	unsigned int port_count;
	uint16_t candidates[ABI_PORTS_MAX]; /* found by the last discovery */
	unsigned int candidate_count;
	bool discovered;	/* once, at the start */
	bool discovery_due;	/* a SOCKS server has begun to listen on something */
	uint64_t discovered_ns; /* when /proc was last read */
	uint32_t ports_lost;	/* the last port that found no place */
	bool ports_added;	/* since the collector last looked for older connections */
	bool unpublished;	/* the netns table has no place for it */
	bool listener_up;	/* a listener on each of them */
	uint64_t links_lost;	/* interfaces that could not be watched */
	uint32_t link_lost;	/* the last one of them */
	struct wireguard wireguard;
};

/*
 * Of the current network namespace: our own, where netlink stays open, or another one, which was
 * entered (`remote`). Its slot is that of proxy_netns_start. Returns 0 or -errno.
 */
int proxy_netns_open(struct proxy_netns *netns, const struct config *config, struct kernel *kernel,
		     const char *name, bool remote);

/*
 * What follows asks the proxy's network namespace: of a remote one, to be called in it.
 *
 * After the kernel side was loaded: writes the slot, attaches to every interface, then lets the
 * socket programs see the namespace (in this order, so that each connection that they see begins
 * has its packets seen as well).
 */
int proxy_netns_start(struct proxy_netns *netns, uint32_t slot);

/* Reads what netlink has; to be called when netns->links.events_fd is readable. */
void proxy_netns_links(struct proxy_netns *netns);

/*
 * Looks whether the listeners are there; with `discover`, for the ports of SOCKS servers too (reads
 * /proc).
 */
void proxy_netns_listeners(struct proxy_netns *netns, bool discover);

/* A process began or ceased to listen in this namespace. */
void proxy_netns_listener_event(struct proxy_netns *netns, const struct event *event);

/*
 * Each second: tries again what failed, repairs what is gone, looks for new listeners if there was
 * cause.
 */
void proxy_netns_tick(struct proxy_netns *netns);

/* Keeps what is pinned attached; or detaches everything. */
void proxy_netns_close(struct proxy_netns *netns);
void proxy_netns_remove(struct proxy_netns *netns);

/* Its network namespace is gone, and its interfaces with it. To be called at home. */
void proxy_netns_gone(struct proxy_netns *netns);

/* Another proxy has come or gone that is called the same. */
void proxy_netns_rename(struct proxy_netns *netns, const char *name);

/*
 * Reads the tunnels' WireGuard devices, if that is not switched off; waits for userspace ones,
 * WIREGUARD_WAIT_NS at most. Returns 0 or the first -errno. In steps, for many side by side: see
 * wireguard.h.
 */
int proxy_netns_wireguard(struct proxy_netns *netns);
void proxy_netns_wireguard_begin(struct proxy_netns *netns);
int proxy_netns_wireguard_end(struct proxy_netns *netns);

/*
 * Who listens where, as somebody else has found it: the ports of SOCKS servers in this namespace.
 */
void proxy_netns_ports_found(struct proxy_netns *netns, const uint16_t *ports, unsigned int count);

/* Looks at all interfaces: for events that were lost. */
void proxy_netns_scan(struct proxy_netns *netns);

/* Attaches again where that failed or was undone, and looks for the listeners. */
void proxy_netns_repair(struct proxy_netns *netns);

/* One event of an interface of this namespace. */
void proxy_netns_link_event(struct proxy_netns *netns, const struct link *link,
			    enum link_event event);

/*
 * Whether the tunnel of this index can be used, by the last reading of its device; where that is
 * not known, whether its interface is up.
 */
bool proxy_netns_tunnel_usable(const struct proxy_netns *netns, unsigned int tunnel_index);

/* The state that probes ask for. */
void proxy_netns_health(const struct proxy_netns *netns, struct health_proxy *health);

/* The interface of a tunnel: NULL when it is not there now. */
const struct watched_link *proxy_netns_tunnel(const struct proxy_netns *netns,
					      unsigned int tunnel_index);
