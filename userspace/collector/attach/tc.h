/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tc requests that clsact.c needs, and nothing of its policy. `fd` is a NETLINK_ROUTE socket of
 * netlink_open().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "collector/attach/attach.h"

struct nlmsghdr;

#define TC_NAME_SIZE 32
#define TC_KIND_SIZE 16

struct tc_filter {
	uint32_t handle; /* 0: the head of a priority, that the kernel lists as well */
	uint16_t priority;
	uint16_t protocol; /* host order */
	char kind[TC_KIND_SIZE];
	char name[TC_NAME_SIZE]; /* of a bpf filter; cut to fit */
};

typedef void tc_filter_callback(const struct tc_filter *filter, void *context);

/*
 * Makes a clsact qdisc. Returns 0, -EEXIST when a clsact or an ingress qdisc is there, or -errno.
 */
int tc_clsact_create(int fd, uint32_t ifindex);

/* Deletes the qdisc at clsact's place with all that is in it. Returns 0 or -errno. */
int tc_clsact_delete(int fd, uint32_t ifindex);

/* Whether the qdisc at clsact's place is a clsact: 1, 0 or -errno. */
int tc_clsact_present(int fd, uint32_t ifindex);

/*
 * Hands each filter of one direction to the callback; none when there is no qdisc. Returns 0 or
 * -errno (-EINTR: torn, ask again).
 */
int tc_filters_each(int fd, uint32_t ifindex, enum attach_direction direction,
		    tc_filter_callback *callback, void *context);

/*
 * Puts a direct-action bpf filter for all protocols, by its handle and priority; in place,
 * atomically, when `replace` and it is there. Returns 0, -EEXIST, -EINVAL when the priority is of
 * another kind or protocol, or -errno.
 */
int tc_filter_put(int fd, uint32_t ifindex, enum attach_direction direction,
		  const struct tc_filter *filter, int program_fd, bool replace);

/* Deletes the bpf filter of this handle and priority. Returns 0 or -errno. */
int tc_filter_delete(int fd, uint32_t ifindex, enum attach_direction direction,
		     const struct tc_filter *filter);

/* Reads one RTM_NEWTFILTER message. Returns 0, -ENOMSG for another type or interface, -EBADMSG. */
int tc_filter_parse(const struct nlmsghdr *message, uint32_t ifindex, struct tc_filter *filter);
