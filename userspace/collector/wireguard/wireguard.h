/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WireGuard devices behind a proxy's tunnels: read anew each time, kept no longer than to the
 * next reading.
 */
#pragma once

#include <stddef.h>

#include "collector/wireguard/kernel_device.h"
#include "collector/wireguard/state.h"
#include "collector/wireguard/uapi.h"
#include "lib/time.h"
#include <wgsocks/abi.h>

#define WIREGUARD_WAIT_NS                                                      \
	(50 * NS_PER_MS) /* for all userspace devices together, of one reading \
			  */

/* A tunnel as the interface table has it. */
struct wireguard_target {
	uint32_t ifindex; /* 0: it is not there */
	const char *name;
	bool in_kernel; /* else: a userspace device */
	bool up;
};

struct wireguard_tunnel {
	uint32_t ifindex; /* 0: none */
	bool known;	  /* state holds */
	enum tunnel_state state;
	int error; /* of the last reading; not 0: nothing of the device may be shown */
	struct wireguard_device device;
	struct wireguard_history history;
	struct uapi uapi;
	int result;	   /* of the reading that runs; -EAGAIN: it was asked */
	uint64_t retry_ns; /* one that did not answer in time is not waited for at once again */
	unsigned int timeouts;
	uint64_t lost; /* by the device's last reading */
};

struct wireguard {
	int root; /* O_PATH: where /var/run/wireguard is looked for; -1: nowhere */
	struct kernel_devices kernel;
	struct wireguard_tunnel tunnels[ABI_TUNNELS_MAX];
	struct wireguard_target targets[ABI_TUNNELS_MAX]; /* of the reading that runs */
	uint64_t read_ns;				  /* CLOCK_MONOTONIC: the last reading */
	uint64_t lost; /* peers and lists that found no place, so far */
};

/*
 * Looks for sockets under `root`, a path (NULL: in wireguard->root, which the caller sets for each
 * reading). Returns 0 or -errno (reading then fails with the same).
 */
int wireguard_open(struct wireguard *wireguard, const char *root);
void wireguard_close(struct wireguard *wireguard);

/*
 * Reads all devices, the userspace ones side by side, in at most WIREGUARD_WAIT_NS, and judges
 * them. `targets`: ABI_TUNNELS_MAX of them. `who`: the proxy, for the log. Returns 0, or the first
 * -errno of a tunnel.
 */
int wireguard_read(struct wireguard *wireguard, const struct wireguard_target *targets,
		   const char *proxy_name);

/*
 * The same in steps, so that the userspace devices of many proxies answer side by side: begin each
 * (in its network namespace: kernel devices are read here), wait for all, end each.
 */
void wireguard_begin(struct wireguard *wireguard, const struct wireguard_target *targets);
void wireguard_await(struct wireguard *const *wireguards, size_t count, uint64_t deadline_ns);
int wireguard_end(struct wireguard *wireguard, const char *proxy_name);
