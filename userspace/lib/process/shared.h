/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that all processes share: one anonymous MAP_SHARED mapping made by the supervisor
 * before it forks. Each cell has one writer. Readers must tolerate a writer that was killed in
 * mid-update.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/config/config.h"
#include "lib/time.h"

/* X(enumerator, word). The supervisor is the first; webconfig runs only with --web.config.file. */
#define PROCESSES(X)                      \
	X(PROCESS_SUPERVISOR, supervisor) \
	X(PROCESS_HEALTH, health)         \
	X(PROCESS_WEB, web)               \
	X(PROCESS_COLLECTOR, collector)   \
	X(PROCESS_WEBCONFIG, webconfig)

#define PROCESS_(id, word) id,
enum process { PROCESSES(PROCESS_) PROCESS_MAX };
#undef PROCESS_

/* The value of the label `process`, and the name in the log. */
const char *process_name(enum process process);

/*
 * Written by the process itself but for pid, restarts and started_ns, which are the supervisor's.
 * Times: CLOCK_MONOTONIC ns.
 */
struct process_cell {
	_Atomic int32_t pid;		/* 0 while it does not run */
	_Atomic uint64_t started_ns;	/* last fork */
	_Atomic uint64_t restarts;	/* forks after the first */
	_Atomic uint64_t heartbeat_ns;	/* at least each second */
	_Atomic uint64_t pss_bytes;	/* /proc/self/smaps_rollup, each 5 s */
	_Atomic uint64_t virtual_bytes; /* /proc/self/statm */
	_Atomic uint64_t open_fds;
};

enum listen_socket {
	LISTENER_HEALTH,
	LISTENER_METRICS,
	LISTENER_METRICS_LAST = LISTENER_METRICS + CONFIG_ADDRESSES_MAX - 1,
	LISTENER_MAX
};

/* Written by the collector. */
enum health_tunnel {
	HEALTH_TUNNEL_UNKNOWN,
	HEALTH_TUNNEL_UP,
	HEALTH_TUNNEL_IDLE,
	HEALTH_TUNNEL_NEVER,
	HEALTH_TUNNEL_STALE,
	HEALTH_TUNNEL_NO_PEER,
	HEALTH_TUNNEL_NO_INTERFACE,
	HEALTH_TUNNEL_INTERFACE_DOWN,
};

struct health_proxy {
	char name[CONFIG_NAME_SIZE];
	uint32_t tunnel; /* enum health_tunnel */
	uint32_t listener_up;
	uint32_t started;   /* the first attempt to attach to it has ended */
	char interface[16]; /* the tunnel's, "" when there is none */
};

struct health_board {
	uint32_t proxy_count; /* not above proxies_max: the reader checks */
	struct health_proxy proxies[];
};

/* --web.config.file, as webconfig validated it last: written by webconfig. */
struct web_config_cell {
	_Atomic uint64_t
		sequence; /* of the bundle that holds (see lib/web_config/bundle.h); 0: none yet */
	_Atomic uint32_t successful; /* the last reading was good */
	_Atomic uint32_t awaited;    /* --web.config.wait: none was good yet, and it is no longer
					waited for to listen */
	_Atomic uint64_t success_ms; /* when the last good one was (Unix time) */
};

struct shared {
	uint32_t proxies_max;
	uint64_t board_bytes;		 /* of one board */
	uint64_t start_time_realtime_ns; /* of the supervisor */
	struct process_cell processes[PROCESS_MAX];
	_Atomic uint64_t
		reaped_cpu_ns; /* user and system time of children that ended: supervisor */
	_Atomic uint32_t listening[LISTENER_MAX]; /* 1 while the supervisor holds that socket */
	_Atomic uint32_t
		startup_done; /* the first attempt to attach has ended: collector, stays 1 */
	struct web_config_cell web_config;
	_Atomic uint64_t board_sequence; /* board_sequence & 1 is the board to read; the other one
					    is being written */
					 /* two boards follow */
};

/*
 * Maps a zeroed region for proxies_max proxies. NULL on failure with errno set. Lives as long as
 * the process.
 */
struct shared *shared_create(uint32_t proxies_max);

/*
 * Collector: copies the states to the unread board and publishes it. `count` is cut to proxies_max.
 */
void health_board_publish(struct shared *shared, const struct health_proxy *proxies,
			  uint32_t count);

/*
 * Reader: copies a consistent board, at most `max` proxies of it, in at most four attempts; names
 * are terminated. Returns the number of proxies copied, or -EAGAIN when the board changed under
 * each attempt (the copy is worth nothing then).
 */
int health_board_copy(const struct shared *shared, struct health_proxy *copy, uint32_t max);

/* CLOCK_MONOTONIC in ns. */
uint64_t clock_now_ns(void);

/* A process with an older heartbeat is hung: not alive for probes, and killed by the supervisor. */
#define HEARTBEAT_MAX_NS (10 * NS_PER_S)

/* Whether the process's heartbeat is at most HEARTBEAT_MAX_NS old. */
bool process_alive(const struct shared *shared, enum process process, uint64_t now_ns);
