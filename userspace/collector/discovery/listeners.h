/* SPDX-License-Identifier: Apache-2.0 */
/* Listening TCP sockets of the current network namespace (inet_diag). Needs no capability. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

struct listener {
	uint64_t cookie;  /* of the socket, never used twice before a reboot */
	uint32_t inode;	  /* as in "socket:[inode]" */
	uint32_t ifindex; /* bound to this interface; 0: to none */
	uint32_t uid;
	uint16_t port;	/* host order */
	uint8_t family; /* AF_INET or AF_INET6 (which may accept IPv4 as well) */
};

/* Returns 0 to go on, anything else to stop. */
typedef int listener_callback(const struct listener *listener, void *context);

/*
 * Hands each listening socket of both families to the callback. Returns 0, what stopped it, or
 * -errno.
 */
int listeners_each(listener_callback *callback, void *context);

/*
 * Which of `count` (at most 31) ports have a listener: bit i for ports[i]. Returns the mask or
 * -errno.
 */
int listeners_present(const uint16_t *ports, size_t count);

/*
 * Whether nothing but listeners is there: by the kernel's count of TCP sockets in this namespace,
 * which costs less than to look for them. False also when that cannot be told.
 */
bool listeners_alone(void);

/*
 * Reads one answer of inet_diag. Returns 0, -ENOMSG when it is no listening TCP socket, -EBADMSG
 * when it is short.
 */
int listener_parse(const struct nlmsghdr *message, struct listener *listener);
