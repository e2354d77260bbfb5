/* SPDX-License-Identifier: Apache-2.0 */
/* Listening TCP sockets of the current network namespace (inet_diag). Needs no capability. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

struct listener {
	uint64_t cookie;  /* of the socket; unique until reboot */
	uint32_t inode;	  /* as in "socket:[inode]" */
	uint32_t ifindex; /* of the bound interface; 0: not bound */
	uint32_t uid;
	uint16_t port;	/* host byte order */
	uint8_t family; /* AF_INET or AF_INET6 (which can also accept IPv4) */
};

/* Returns 0 to continue, any other value to stop. */
typedef int listener_callback(const struct listener *listener, void *context);

/*
 * Calls the callback for each listening socket of both address families. Returns 0, the value that
 * stopped it, or -errno.
 */
int listeners_each(listener_callback *callback, void *context);

/*
 * Checks `count` ports (at most 31) for listeners. Returns a mask (bit i: ports[i] has one) or
 * -errno.
 */
int listeners_present(const uint16_t *ports, size_t count);

/*
 * Returns whether the namespace has TCP listeners only, by the socket counts of the kernel; this is
 * cheaper than a search. Returns false if the counts cannot be read.
 */
bool listeners_alone(void);

/*
 * Parses one answer of inet_diag. Returns 0; -ENOMSG: not a listening TCP socket; -EBADMSG: too
 * short.
 */
int listener_parse(const struct nlmsghdr *message, struct listener *listener);
