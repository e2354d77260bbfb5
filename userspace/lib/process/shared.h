/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory shared by all processes: one anonymous MAP_SHARED mapping, created by the supervisor
 * before it forks. Each cell has one writer. Readers must tolerate a writer that was killed during
 * an update.
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

/* Returns the value of the label `process`, also the name in the log. */
const char *process_name(enum process process);

/*
 * Written by the process itself; pid, restarts and started_ns by the supervisor. Times are
 * CLOCK_MONOTONIC, in ns.
 */
struct process_cell {
	_Atomic int32_t pid;		/* 0 while it does not run */
	_Atomic uint64_t started_ns;	/* last fork */
	_Atomic uint64_t restarts;	/* forks after the first */
	_Atomic uint64_t heartbeat_ns;	/* at least each second */
	_Atomic uint64_t pss_bytes;	/* /proc/self/smaps_rollup, every 5 s */
	_Atomic uint64_t virtual_bytes; /* /proc/self/statm */
	_Atomic uint64_t open_fds;
};

enum listen_socket {
	LISTENER_HEALTH,
	LISTENER_METRICS,
	LISTENER_METRICS_LAST = LISTENER_METRICS + CONFIG_ADDRESSES_MAX - 1,
	LISTENER_MAX
};

/* States written by the collector. */
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
	uint32_t started;   /* the first attempt to attach has ended */
	char interface[16]; /* of the tunnel; "" if there is none */
};

struct health_board {
	uint32_t proxy_count; /* at most proxies_max; readers check it */
	struct health_proxy proxies[];
};

/* Result of the last validation of --web.config.file; written by webconfig. */
struct web_config_cell {
	_Atomic uint64_t sequence; /* of the active bundle (lib/web_config/bundle.h); 0: none yet */
	_Atomic uint32_t successful; /* the last reading succeeded */
	/* --web.config.wait: no valid configuration yet, and the wait is over */
	_Atomic uint32_t awaited;
	_Atomic uint64_t success_ms; /* last success, Unix time */
};

struct shared {
	uint32_t proxies_max;
	uint64_t board_bytes;		 /* of one board */
	uint64_t start_time_realtime_ns; /* of the supervisor */
	struct process_cell processes[PROCESS_MAX];
	/* User and system time of ended children; written by the supervisor */
	_Atomic uint64_t reaped_cpu_ns;
	_Atomic uint32_t listening[LISTENER_MAX]; /* 1 while the supervisor holds that socket */
	/* The first attempt to attach has ended; written by the collector, stays 1 */
	_Atomic uint32_t startup_done;
	struct web_config_cell web_config;
	/*
	 * board_sequence & 1 is the board to read; the other one may be in the middle of an update
	 */
	_Atomic uint64_t board_sequence;
	/* followed by two boards */
};

/*
 * Maps a zeroed region for proxies_max proxies. Returns NULL and sets errno on failure. Lives as
 * long as the process.
 */
struct shared *shared_create(uint32_t proxies_max);

/*
 * Called by the collector: copies the states to the board that is not read, then publishes it.
 * Limits `count` to proxies_max.
 */
void health_board_publish(struct shared *shared, const struct health_proxy *proxies,
			  uint32_t count);

/*
 * Called by readers: copies a consistent board, at most `max` proxies, in at most four attempts;
 * names are terminated. Returns the number of proxies, or -EAGAIN if the board changed during each
 * attempt (ignore the copy then).
 */
int health_board_copy(const struct shared *shared, struct health_proxy *copy, uint32_t max);

/* Returns CLOCK_MONOTONIC in ns. */
uint64_t clock_now_ns(void);

/*
 * A process with an older heartbeat is hung: probes report it as dead, and the supervisor kills it.
 */
#define HEARTBEAT_MAX_NS (10 * NS_PER_S)

/* Returns whether the heartbeat of the process is at most HEARTBEAT_MAX_NS old. */
bool process_alive(const struct shared *shared, enum process process, uint64_t now_ns);
