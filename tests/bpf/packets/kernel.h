/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BPF object, loaded for this process only, neither pinned nor attached. Packets run through it
 * by BPF_PROG_TEST_RUN.
 */
#pragma once

#include <stdint.h>

#include "collector/kernel/destination_table.h"
#include "frame.h"
#include <wgsocks/abi.h>

#define GENERATION 0x1234u
#define PORT 1080

/* Where a packet passes: a program, on lo or on another interface. */
enum kernel_hook {
	HOOK_TUNNEL_RECEIVE,
	HOOK_TUNNEL_TRANSMIT,
	HOOK_INGRESS,
	HOOK_EGRESS,
	HOOK_LOOPBACK,
	HOOKS
};

struct wgsocks;
struct kernel {
	struct wgsocks *skeleton;
	struct proxy_counters *counters; /* the map's memory */
	struct destination_table
		destinations; /* over the maps' memory, which are on: nobody is promoted at first */
	int programs[HOOKS];
	int sessions, early, proxies, tunnels, clients;
	int cpus;
	int device; /* the other interface: a TUN device in a network namespace of this process */
	uint32_t ifindex;
	uint32_t came_in_by; /* the interface that packets of now came in by, to be forwarded; 0:
				none */
};

/* 0 or -errno. */
int kernel_open(struct kernel *kernel);
void kernel_close(struct kernel *kernel);

/* Requests by client, of proxy 0. */
void kernel_clients_set(const struct kernel *kernel, const struct client_table *table);
struct client_table kernel_clients_of(const struct kernel *kernel);

/*
 * Sets all counters to 0; proxy 0 listens only on PORT. Callers remove their sessions and early
 * dialogues.
 */
void kernel_reset(struct kernel *kernel);
void kernel_set_proxy(const struct kernel *kernel, const struct proxy *proxy);
void kernel_listen(const struct kernel *kernel, const uint16_t *ports, int count);

/*
 * Runs one packet as the stub of `slot` would. What holds for every packet is checked here: it goes
 * on (TC_ACT_UNSPEC), it is the same as before, and so is cb. Returns whether it ran (the kernel
 * itself refuses some packets that are cut).
 */
bool kernel_run(const struct kernel *kernel, enum kernel_hook hook, const struct frame *frame,
		uint32_t slot, uint32_t gso_size);

/* The sum over all CPUs. */
struct tunnel_counters kernel_tunnel(const struct kernel *kernel, uint32_t index);
