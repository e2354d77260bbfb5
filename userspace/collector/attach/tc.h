/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tc requests of clsact.c, without its policy. `fd` is a NETLINK_ROUTE socket of
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
	uint32_t handle; /* 0: the head of a priority, which the kernel also lists */
	uint16_t priority;
	uint16_t protocol; /* host order */
	char kind[TC_KIND_SIZE];
	char name[TC_NAME_SIZE]; /* of a bpf filter; truncated to fit */
};

typedef void tc_filter_callback(const struct tc_filter *filter, void *context);

/* Creates a clsact qdisc. Returns 0, -EEXIST if there is a clsact or ingress qdisc, or -errno. */
int tc_clsact_create(int fd, uint32_t ifindex);

/* Deletes the clsact or ingress qdisc with all its filters. Returns 0 or -errno. */
int tc_clsact_delete(int fd, uint32_t ifindex);

/* Returns 1 if the qdisc is clsact, 0 if it is missing or `ingress`, or -errno. */
int tc_clsact_present(int fd, uint32_t ifindex);

/*
 * Calls the callback for each filter of one direction; never if there is no qdisc. Returns 0 or
 * -errno; -EINTR: a change interrupted the dump, repeat it.
 */
int tc_filters_each(int fd, uint32_t ifindex, enum attach_direction direction,
		    tc_filter_callback *callback, void *context);

/*
 * Adds a direct-action bpf filter for all protocols, by handle and priority. With `replace`,
 * replaces an existing filter atomically. Returns 0; -EEXIST; -EINVAL: the priority belongs to
 * another kind or protocol; or another -errno.
 */
int tc_filter_put(int fd, uint32_t ifindex, enum attach_direction direction,
		  const struct tc_filter *filter, int program_fd, bool replace);

/* Deletes the bpf filter with this handle and priority. Returns 0 or -errno. */
int tc_filter_delete(int fd, uint32_t ifindex, enum attach_direction direction,
		     const struct tc_filter *filter);

/* Parses one RTM_NEWTFILTER message. Returns 0; -ENOMSG: other type or interface; -EBADMSG. */
int tc_filter_parse(const struct nlmsghdr *message, uint32_t ifindex, struct tc_filter *filter);
