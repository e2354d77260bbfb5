/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side of the collector: open → rodata → load → attach. If there is a bpffs, maps and
 * links are pinned: the kernel continues to count while the collector is down. A new collector
 * reuses them and replaces the code through the PROG_ARRAYs.
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
	int dispatchers[KERNEL_LINK_MAX]; /* the programs of these links; -1 */
	bool pinned;
	bool taken_over; /* the counters continue from an earlier process */
	unsigned int cpus;
	/* By slot, a copy of the `proxies` map for the search on each new proxy */
	struct slot_owner *owners;

	/* Memory shared with the programs, by slot. */
	struct proxy_counters *counters;
	struct event_budget *event_budgets; /* and one more, of unwatched namespaces */
	struct window *windows;
	struct rates *rates;			/* NULL while the collector compat is off */
	struct destination_table *destinations; /* NULL while destinations are off */

	/* Maps of another --destinations.max, while they are copied; -1 */
	int former[KERNEL_DESTINATION_MAPS];
};

/* Sets the name of the instance; loads nothing. Returns 0 or -errno. */
int kernel_init(struct kernel *kernel, const struct config *config);

/*
 * Loads and attaches the tracepoint programs; reuses pins that fit. Returns 0, or -errno after
 * logging the reason (not repeated for the same reason). Leaves nothing behind on failure.
 */
int kernel_load(struct kernel *kernel);

/* Releases everything except pins. */
void kernel_close(struct kernel *kernel);

/* Detaches and unpins everything except packet attachments (attach.h), then closes. */
void kernel_remove(struct kernel *kernel);

/* Returns the PROG_ARRAY of the packet programs, for stubs. */
int kernel_packet_programs(const struct kernel *kernel);

/* Writes or reads the entry of a slot in the `proxies` map. Returns 0 or -errno. */
int kernel_proxy_write(struct kernel *kernel, uint32_t slot, const struct proxy *proxy);
int kernel_proxy_read(const struct kernel *kernel, uint32_t slot, struct proxy *proxy);

/*
 * Returns whether a session is open on this listener port of a slot. Walks all sessions: call it
 * rarely.
 */
bool kernel_port_in_use(const struct kernel *kernel, uint32_t slot, uint16_t port);

/*
 * Maps the inode of a network namespace to a slot, for the socket programs; or removes it. Returns
 * 0, or -ENOSPC if its bucket is full.
 */
int kernel_netns_add(struct kernel *kernel, uint32_t inode, uint32_t slot);
int kernel_netns_remove(struct kernel *kernel, uint32_t inode, uint32_t slot);

/* Reads the requests by client of a slot. Returns 0 or -errno. */
int kernel_clients_read(const struct kernel *kernel, uint32_t slot, struct client_table *table);

/* Listener events that the programs have not sent: of a slot, or of --proxies.max (see abi.h). */
uint32_t kernel_events_skipped(const struct kernel *kernel, uint32_t index);

/* Sums the per-CPU counters of a tunnel by its index in `tunnels`. Returns 0 or -errno. */
int kernel_tunnel_read(const struct kernel *kernel, uint32_t index, struct tunnel_counters *sum);

/* Returns all bytes of a tunnel, both directions. */
uint64_t tunnel_bytes(const struct tunnel_counters *counters);

/* Returns the last second (CLOCK_MONOTONIC) in which a collector watched the slot; 0: never. */
uint64_t kernel_last_second(const struct kernel *kernel, uint32_t slot);

/*
 * Resets the counters of a tunnel. Call only while no program is attached to it. Returns 0 or
 * -errno.
 */
int kernel_tunnel_clear(struct kernel *kernel, uint32_t index);

/*
 * Returns the events that the recursion guard kept from a dispatcher so far; 0 if the kernel does
 * not report them (before 5.12).
 */
uint64_t kernel_recursion_misses(const struct kernel *kernel, enum kernel_link link);

/* Returns the kernel memory of our maps and programs (memlock of their fdinfo), in bytes. */
uint64_t kernel_memory(const struct kernel *kernel);

/*
 * Returns whether the running kernel is older than major.minor, by uname(2), and stores the result
 * of uname in *name.
 */
bool kernel_before(unsigned int major, unsigned int minor, struct utsname *name);
