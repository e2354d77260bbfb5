/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the supervisor, and the functions that manage its children. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/process/process.h"
#include "lib/time.h"
#include "supervisor/channels.h"
#include "supervisor/listeners.h"

#define REPLACE_NS (1 * NS_PER_S) /* from SIGTERM to SIGKILL, when a child is replaced */

struct supervised {
	pid_t pid;	       /* 0: not running */
	uint64_t started_ns;   /* time of the last fork */
	uint64_t start_ns;     /* if not running: time of the next fork */
	uint64_t kill_ns;      /* if being replaced: time of SIGKILL; 0: not being replaced */
	unsigned int failures; /* short lives in a row */
	bool began;	       /* was started before: the next start is a restart */
};

struct supervisor {
	const struct config *config;
	child_main_function *const *mains; /* main function of each enum process */
	struct shared *shared;
	struct listeners listeners;
	struct channels channels;
	struct supervised children[PROCESS_MAX];
	sigset_t signals; /* signals that the supervisor waits for */
	uint64_t tick_ns; /* time of the last tick */
};

#define for_each_child(i) for (enum process i = PROCESS_HEALTH; i < PROCESS_MAX; i++)

/* The process that serves a listener. */
enum process listener_process(unsigned int listener);

/* Whether a child should run. Health and web run only once they have a socket. */
bool child_wanted(const struct supervisor *s, enum process process);

/* Forks a child. A failure is logged and retried later. */
void child_start(struct supervisor *s, enum process process);

/* Restarts a child, so that it gets new sockets. This does not count as a failure. */
void child_replace(struct supervisor *s, enum process process, uint64_t now_ns);

/* Starts the children that should run and whose start time has come. */
void children_start_due(struct supervisor *s, uint64_t now_ns);

/* Kills children without a heartbeat, and children that do not end after SIGTERM. */
void children_kill_hung(struct supervisor *s, uint64_t now_ns);

/*
 * Reaps children that have ended (as PID 1 also orphans of other processes), and kills children
 * that were stopped. `stopping`: ends are expected, so nothing is logged or restarted.
 */
void children_reap(struct supervisor *s, bool stopping);

/* Sends a signal (0: only a check) to all running children. Returns whether there is one. */
bool children_signal(const struct supervisor *s, int number);

/* A child that ran this long has its failures reset. */
#define BACKOFF_RESET_NS (5 * NS_PER_S)

/*
 * The delay before the next start, after `failures` short lives in a row (1: the first). It is 0,
 * 0, 100, 200, 400, 800, 800 … ms, so that each child is back within a second. After 30 failures,
 * which rarely resolve without help, it is 10 s.
 */
uint64_t backoff_delay_ns(unsigned int failures);
