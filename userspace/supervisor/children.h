/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's state, and what it does with its children. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/process/process.h"
#include "lib/time.h"
#include "supervisor/channels.h"
#include "supervisor/listeners.h"

#define REPLACE_NS (1 * NS_PER_S) /* a child asked to end has this long */

struct supervised {
	pid_t pid;	     /* 0: not running */
	uint64_t started_ns; /* last fork */
	uint64_t start_ns;   /* when not running: when to fork */
	uint64_t kill_ns;    /* was asked to end to be replaced: when to kill it; 0: was not */
	unsigned int failures;
	bool began;
};

struct supervisor {
	const struct config *config;
	child_main_function *const *mains; /* by enum process */
	struct shared *shared;
	struct listeners listeners;
	struct channels channels;
	struct supervised children[PROCESS_MAX];
	sigset_t signals; /* that it waits for */
	uint64_t tick_ns; /* the last one */
};

#define for_each_child(i) for (enum process i = PROCESS_HEALTH; i < PROCESS_MAX; i++)

/* Who serves a listener. */
enum process listener_process(unsigned int listener);

/* Health and web are there for their sockets: they wait for the first. */
bool child_wanted(const struct supervisor *s, enum process process);

/* Forks a child; a failure is logged, and due again later. */
void child_start(struct supervisor *s, enum process process);

/* Asks a child to end, to be started again with what has changed meanwhile. No failure of its. */
void child_replace(struct supervisor *s, enum process process, uint64_t now_ns);

/* Starts who is due. */
void children_start_due(struct supervisor *s, uint64_t now_ns);

/* Kills who does not stir any more, or does not end though asked to. */
void children_kill_hung(struct supervisor *s, uint64_t now_ns);

/*
 * Collects who ended (as PID 1 also what was never a child of ours), kills who was stopped.
 * `stopping`: an end is no news.
 */
void children_reap(struct supervisor *s, bool stopping);

/* Sends a signal (0: none) to all that run. Whether there was anyone. */
bool children_signal(const struct supervisor *s, int number);

/* How soon a child that died is started again. */

/* A child that lived this long starts with a clean sheet. */
#define BACKOFF_RESET_NS (5 * NS_PER_S)

/*
 * Delay before the next start after `failures` short lives in a row (1: the first): 0, 0, 100, 200,
 * 400, 800, 800 … ms, so that each is back within a second; 10 s after 30 of them, when the cause
 * is unlikely to pass by itself.
 */
uint64_t backoff_delay_ns(unsigned int failures);
