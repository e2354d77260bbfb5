/* SPDX-License-Identifier: Apache-2.0 */
/* The WireGuard devices of the tunnels of one proxy. Each reading replaces the last. */
#pragma once

#include <stddef.h>

#include "collector/wireguard/kernel_device.h"
#include "collector/wireguard/state.h"
#include "collector/wireguard/uapi.h"
#include "lib/time.h"
#include <wgsocks/abi.h>

#define WIREGUARD_WAIT_NS (50 * NS_PER_MS) /* limit for all userspace devices of one reading */

/* A tunnel, as in the interface table. */
struct wireguard_target {
	uint32_t ifindex; /* 0: it does not exist */
	const char *name;
	bool in_kernel; /* false: a userspace device */
	bool up;
};

struct wireguard_tunnel {
	uint32_t ifindex; /* 0: none */
	bool known;	  /* state is valid */
	enum tunnel_state state;
	int error; /* of the last reading; if not 0, show nothing of the device */
	struct wireguard_device device;
	struct wireguard_history history;
	struct uapi uapi;
	int result;	   /* of the current reading; -EAGAIN: waiting for the answer */
	uint64_t retry_ns; /* do not wait again before this time for a device that did not answer */
	unsigned int timeouts;
	uint64_t lost; /* lost in the last reading of the device */
};

struct wireguard {
	int root; /* O_PATH: root for /var/run/wireguard; -1: none */
	struct kernel_devices kernel;
	struct wireguard_tunnel tunnels[ABI_TUNNELS_MAX];
	struct wireguard_target targets[ABI_TUNNELS_MAX]; /* of the current reading */
	uint64_t read_ns;				  /* last reading, CLOCK_MONOTONIC */
	uint64_t lost;					  /* peers and lists without room, so far */
};

/*
 * Sets the root for sockets: the path `root`, or with NULL wireguard->root, which the caller sets
 * for each reading. Returns 0 or -errno (readings then fail with the same error).
 */
int wireguard_open(struct wireguard *wireguard, const char *root);
void wireguard_close(struct wireguard *wireguard);

/*
 * Reads all devices, userspace devices in parallel, in at most WIREGUARD_WAIT_NS, and determines
 * their states. `targets` has ABI_TUNNELS_MAX elements; `proxy_name` is for the log. Returns 0, or
 * the first -errno of a tunnel.
 */
int wireguard_read(struct wireguard *wireguard, const struct wireguard_target *targets,
		   const char *proxy_name);

/*
 * The same in steps, so that userspace devices of many proxies answer in parallel. Begin each in
 * its network namespace (kernel devices are read here), wait for all, end each.
 */
void wireguard_begin(struct wireguard *wireguard, const struct wireguard_target *targets);
void wireguard_await(struct wireguard *const *wireguards, size_t count, uint64_t deadline_ns);
int wireguard_end(struct wireguard *wireguard, const char *proxy_name);
