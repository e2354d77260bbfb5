/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces of a network namespace: what is there, and what comes and goes (rtnetlink). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/config/config.h"

struct nlmsghdr;

#define LINK_NAME_SIZE 16
#define LINK_L2_UNKNOWN (-1)

struct link {
	uint32_t ifindex;
	char name[LINK_NAME_SIZE];
	char kind[LINK_NAME_SIZE]; /* "wireguard", "tun", "veth"; empty for hardware and lo */
	uint32_t flags;		   /* IFF_UP, IFF_RUNNING, … */
	uint16_t type;		   /* ARPHRD_… */
	int l2_header_length;	   /* bytes before the IP header at tc; LINK_L2_UNKNOWN: its packets
				      cannot be parsed */
	bool is_loopback;
	bool has_stats; /* false: the message carried none, and the next four are 0 */
	uint64_t rx_packets;
	uint64_t tx_packets;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
};

enum link_event {
	LINK_PRESENT, /* it came, or it changed (name, flags, …), or it is in a dump: compare with
			 what you know */
	LINK_GONE,    /* ifindex and name hold, the rest may be stale */
};

typedef void link_callback(const struct link *link, enum link_event event, void *context);

/*
 * Two sockets, so that answers never mix with events. A zeroed struct is not open: use
 * LINKS_CLOSED.
 */
struct links {
	int events_fd; /* poll this for reading */
	int requests_fd;
};
#define LINKS_CLOSED                               \
	{                                          \
		.events_fd = -1, .requests_fd = -1 \
	}

/*
 * Subscribes to the current network namespace, for as long as it is open (and keeps that namespace
 * alive). Open first, dump then: nothing is missed between. Needs no capability. Returns 0 or
 * -errno.
 */
int links_open(struct links *links);

/*
 * The same without the subscription, for a short time: links_dump and links_query work, links_read
 * does not.
 */
int links_open_requests(struct links *links);
void links_close(struct links *links);

/* Hands every interface to the callback as LINK_PRESENT. Returns 0 or -errno. */
int links_dump(struct links *links, link_callback *callback, void *context);

/*
 * Hands the pending events to the callback, never waits. Returns their number (0: nothing was
 * pending), -ENOBUFS when events were lost: what was pending is read, the caller dumps again and
 * drops what the dump lacks.
 */
int links_read(struct links *links, link_callback *callback, void *context);

/*
 * Asks for one interface by index, with fresh counters (about 10 µs). Returns 0, -ENODEV or another
 * -errno.
 */
int links_query(struct links *links, uint32_t ifindex, struct link *link);

/*
 * Reads one RTM_NEWLINK or RTM_DELLINK message. Returns 0, -ENOMSG when it is something else
 * (another type, a bridge port), -EBADMSG.
 */
int link_parse(const struct nlmsghdr *message, struct link *link, enum link_event *event);

/* Whether it is one of the tunnels that config->interface names; everything else is underlay. */
bool link_is_tunnel(const struct link *link, const struct config *config);
