/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One proxy that is watched: its network namespace, tunnels, other interfaces and listeners, and what is attached
 * where. Kept up to date by netlink events and the kernel's own; a slow tick repairs what events missed.
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

#define WATCH_LINKS_MAX 64	/* interfaces of one network namespace that are watched; more are a line and a loss */
#define WATCH_PORT_DEFAULT 1080 /* RFC 1928, section 3 */

struct watched_link {
	struct link link; /* ifindex 0: the place is free */
	bool tunnel;
	unsigned int place; /* of a tunnel, in struct proxy */
	bool seen;	    /* by the dump that runs */
	int error;	    /* of the last attempt to attach: 0 when all is attached */
	struct attachment attachments[2];
	unsigned int attachment_count;
};

struct watch {
	const struct config *config;
	struct kernel *kernel;
	uint32_t slot; /* since watch_start */
	bool started;
	char name[CONFIG_NAME_SIZE];
	struct proxy entry; /* as in the `proxies` map */
	bool remote;	    /* in another network namespace than ours: see visit.h */
	pid_t pid;	    /* a process in it; 0: none is known */
	struct links links; /* closed between visits where it is remote */
	struct watched_link *table;
	unsigned int table_size;		  /* at most WATCH_LINKS_MAX */
	uint32_t former_ifindex[ABI_TUNNELS_MAX]; /* of the device that was last watched in each place of a tunnel */
	uint64_t noticed_ns;			  /* since when what comes now may have been there */
	bool ports_configured;
	uint16_t ports[ABI_PORTS_MAX]; /* those that a listener is expected on now; entry.ports keeps former ones too */
	unsigned int port_count;
	uint16_t candidates[ABI_PORTS_MAX]; /* found by the last discovery */
	unsigned int candidate_count;
	bool discovered;	/* once, at the start */
	bool discovery_due;	/* a SOCKS server has begun to listen on something */
	uint64_t discovered_ns; /* when /proc was last read */
	uint32_t ports_lost;	/* the last port that found no place */
	bool ports_added;	/* since the collector last looked for older connections */
	bool unfound;		/* the netns table has no place for it */
	bool listener_up;	/* a listener on each of them */
	uint64_t links_lost;	/* interfaces that could not be watched */
	uint32_t link_lost;	/* the last one of them */
	struct wireguard wireguard;
};

/*
 * Of the current network namespace: our own, where netlink stays open, or that of a visit (`remote`). Its slot is that
 * of watch_start. Returns 0 or -errno.
 */
int watch_open(struct watch *watch, const struct config *config, struct kernel *kernel, const char *name, bool remote);

/*
 * What follows asks the proxy's network namespace: of a remote one, to be called in a visit.
 *
 * After the kernel side was loaded: writes the slot, attaches to every interface, then lets the socket programs see the
 * namespace (in this order, so that each connection that they see begins has its packets seen as well).
 */
int watch_start(struct watch *watch, uint32_t slot);

/* Reads what netlink has; to be called when watch->links.events_fd is readable. */
void watch_links(struct watch *watch);

/* Looks whether the listeners are there; with `discover`, for the ports of SOCKS servers too (reads /proc). */
void watch_listeners(struct watch *watch, bool discover);

/* A process began or ceased to listen in this namespace. */
void watch_listener_event(struct watch *watch, const struct event *event);

/* Each second: tries again what failed, repairs what is gone, looks for new listeners if there was cause. */
void watch_tick(struct watch *watch);

/* Keeps what is pinned attached; or detaches everything. */
void watch_close(struct watch *watch);
void watch_remove(struct watch *watch);

/* Its network namespace is gone, and its interfaces with it. To be called at home. */
void watch_gone(struct watch *watch);

/* Another proxy has come or gone that is called the same. */
void watch_rename(struct watch *watch, const char *name);

/*
 * Reads the tunnels' WireGuard devices, if that is not switched off; waits for userspace ones, WIREGUARD_WAIT_NS at
 * most. Returns 0 or the first -errno. In steps, for many side by side: see wireguard.h.
 */
int watch_wireguard(struct watch *watch);
void watch_wireguard_begin(struct watch *watch);
int watch_wireguard_end(struct watch *watch);

/* Who listens where, as somebody else has found it: the ports of SOCKS servers in this namespace. */
void watch_ports_found(struct watch *watch, const uint16_t *ports, unsigned int count);

/* Looks at all interfaces: for events that were lost. */
void watch_look(struct watch *watch);

/* Attaches again where that failed or was undone, and looks for the listeners. */
void watch_repair(struct watch *watch);

/* One event of an interface of this namespace. */
void watch_link_event(struct watch *watch, const struct link *link, enum link_event event);

/*
 * Whether the tunnel in this place can be used, by the last reading of its device; where that is not known, whether its
 * interface is up.
 */
bool watch_tunnel_usable(const struct watch *watch, unsigned int place);

/* The state that probes ask for. */
void watch_health(const struct watch *watch, struct health_proxy *health);

/* The interface in a tunnel's place: NULL when it is not there now. */
const struct watched_link *watch_tunnel(const struct watch *watch, unsigned int place);
