/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces of a network namespace and their changes (rtnetlink). */
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
	/* Bytes before the IP header at tc; LINK_L2_UNKNOWN: we cannot parse its packets */
	int l2_header_length;
	bool is_loopback;
	bool has_stats; /* false: the message had no statistics, and the next four are 0 */
	uint64_t rx_packets;
	uint64_t tx_packets;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
};

enum link_event {
	LINK_PRESENT, /* new, changed (name, flags, …) or in a dump: compare with the known state */
	LINK_GONE,    /* only ifindex and name are valid */
};

typedef void link_callback(const struct link *link, enum link_event event, void *context);

/*
 * Two sockets, so that answers and events do not mix. Initialise with LINKS_CLOSED: a zeroed struct
 * is not closed.
 */
struct links {
	int events_fd; /* poll it for reading */
	int requests_fd;
};
#define LINKS_CLOSED                               \
	{                                          \
		.events_fd = -1, .requests_fd = -1 \
	}

/*
 * Subscribes to events of the current network namespace. While open, it keeps the namespace alive.
 * Open before the dump, so that no change is missed. Needs no capability. Returns 0 or -errno.
 */
int links_open(struct links *links);

/* Opens without the subscription, for a short time: only links_dump and links_query work. */
int links_open_requests(struct links *links);
void links_close(struct links *links);

/* Calls the callback for each interface, as LINK_PRESENT. Returns 0 or -errno. */
int links_dump(struct links *links, link_callback *callback, void *context);

/*
 * Calls the callback for each pending event; never waits. Returns their number (0: none), or
 * -ENOBUFS if events were lost: the caller must then dump again and drop what is not in the dump.
 */
int links_read(struct links *links, link_callback *callback, void *context);

/*
 * Queries one interface by index, with current counters (about 10 µs). Returns 0, -ENODEV or
 * another -errno.
 */
int links_query(struct links *links, uint32_t ifindex, struct link *link);

/*
 * Parses one RTM_NEWLINK or RTM_DELLINK message. Returns 0; -ENOMSG: another message (other type,
 * bridge port); -EBADMSG.
 */
int link_parse(const struct nlmsghdr *message, struct link *link, enum link_event *event);

/*
 * Returns whether the name matches config->interface: a tunnel; all other interfaces are underlay.
 */
bool link_is_tunnel(const struct link *link, const struct config *config);
