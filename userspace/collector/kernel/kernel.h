/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side as the collector holds it: open → rodata → load → attach. Pinned where there is a
 * bpffs, so that the kernel goes on counting while the collector is away; a new collector takes the
 * maps and links over and hands new code to them through the PROG_ARRAYs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "collector/kernel/destination_table.h"
#include "collector/kernel/pins.h"
#include "collector/kernel/programs.h"
#include "lib/config/config.h"
#include <wgsocks/abi.h>

struct bpf_link;
struct ring_buffer;
struct wgsocks;

#define KERNEL_DESTINATION_MAPS 3 /* destinations, destination_entries, destination_countries */

struct slot_owner {
	uint64_t netns_cookie;
	uint32_t netns_inode; /* 0: free */
};

struct kernel {
	const struct config *config;
	struct pins pins;
	struct wgsocks *skeleton; /* NULL: not loaded */
	struct bpf_link *links[KERNEL_LINK_MAX];
	int dispatchers[KERNEL_LINK_MAX]; /* the programs that these links hold; -1 */
	bool pinned;
	bool taken_over; /* the counters go on from an earlier process */
	unsigned int cpus;
	struct slot_owner *owners; /* by slot, as the `proxies` map has them: looked through for
				      each new proxy */

	/* Shared memory with the programs, by slot. */
	struct proxy_counters *counters;
	struct window *windows;
	struct rates *rates;			/* NULL while the collector compat is off */
	struct destination_table *destinations; /* NULL where they are off */

	int former[KERNEL_DESTINATION_MAPS]; /* maps of another --destinations.max, while they are
						taken over; -1 */
};

/* Names the instance; nothing is loaded yet. Returns 0 or -errno. */
int kernel_init(struct kernel *kernel, const struct config *config);

/*
 * Loads and attaches the tracepoint programs, reusing pins that fit. Returns 0, or -errno after one
 * line that says why (the same line is not repeated). Nothing is left behind on failure.
 */
int kernel_load(struct kernel *kernel);

/* Leaves what is pinned and releases the rest. */
void kernel_close(struct kernel *kernel);

/* Detaches and unpins everything but the packet attachments (attach.h), then closes. */
void kernel_remove(struct kernel *kernel);

/* The PROG_ARRAY of the packet programs, for stubs. */
int kernel_packet_programs(const struct kernel *kernel);

/*
 * Writes what a slot is to the `proxies` map, or looks it up in the `netns` table. Returns 0 or
 * -errno.
 */
int kernel_proxy_write(struct kernel *kernel, uint32_t slot, const struct proxy *proxy);
int kernel_proxy_read(const struct kernel *kernel, uint32_t slot, struct proxy *proxy);

/*
 * Whether a session is open on this listener port of a slot. Walks all sessions: for rare
 * decisions.
 */
bool kernel_port_in_use(const struct kernel *kernel, uint32_t slot, uint16_t port);

/*
 * Lets the socket programs find the slot of a network namespace. Returns 0, or -ENOSPC when its
 * bucket is full.
 */
int kernel_netns_add(struct kernel *kernel, uint32_t inode, uint32_t slot);
int kernel_netns_remove(struct kernel *kernel, uint32_t inode, uint32_t slot);

/* The requests by client of a slot. Returns 0 or -errno. */
int kernel_clients_read(const struct kernel *kernel, uint32_t slot, struct client_table *table);

/* Sums the per-CPU counters of a tunnel by its index in `tunnels`. Returns 0 or -errno. */
int kernel_tunnel_read(const struct kernel *kernel, uint32_t index, struct tunnel_counters *sum);

/* All bytes of a tunnel, both directions. */
uint64_t tunnel_bytes(const struct tunnel_counters *counters);

/* The last second (CLOCK_MONOTONIC) in which a collector looked after the slot; 0: none did. */
uint64_t kernel_last_second(const struct kernel *kernel, uint32_t slot);

/*
 * Sets a tunnel's counters back to 0: only while no program is attached to it. Returns 0 or -errno.
 */
int kernel_tunnel_clear(struct kernel *kernel, uint32_t index);

/*
 * Events that the recursion guard kept from a tracepoint's dispatcher so far; 0 where the kernel
 * does not tell (before 5.12).
 */
uint64_t kernel_recursion_misses(const struct kernel *kernel, enum kernel_link link);

/* What our maps and programs take in the kernel (memlock of their fdinfo), in bytes. */
uint64_t kernel_memory(const struct kernel *kernel);

/*
 * Whether the kernel that runs calls itself older than major.minor, as uname(2) has it; *name is
 * what it says.
 */
bool kernel_before(unsigned int major, unsigned int minor, struct utsname *name);
