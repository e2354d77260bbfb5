/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests snapshots from the collector, one at a time. Waiters that arrive while one runs share
 * the next one if they want the same collectors. Independent of HTTP; the caller passes the time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/process/shared.h"
#include "lib/snapshot/snapshot.h"

struct snapshots;

/*
 * Waits for a snapshot that begins after now. `done` is called once: with the samples, which are
 * valid during the call, or with NULL if there are none.
 */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	uint32_t mask; /* the wanted collectors, as in struct snapshot_request */
	uint64_t deadline_ns;
	uint64_t patience_ns; /* deadline while the collector is dead */
	void (*done)(struct waiter *waiter, const struct snapshot *samples);
};
TAILQ_HEAD(waiter_list, waiter);

struct snapshots {
	int channel, memory; /* the socket to the collector, the memfd; not owned */
	const struct shared *shared;

	uint64_t last_id;    /* ids only increase, also across restarts of this process */
	uint64_t running_id; /* id of the running request; 0: none */
	bool sent;	     /* false: the channel was full, send again */
	uint64_t asked_ns;   /* started_ns of the collector at the request, to notice a restart */
	struct waiter_list running, queued;
	uint64_t round;		/* incremented for each batch of waiters that get one result */
	uint64_t dead_since_ns; /* 0: the collector is alive */
	uint64_t answered_ns;	/* time of the last answer with a snapshot; 0: none yet */
	bool bad_block_logged;	/* an invalid snapshot was logged since the last valid one */

	void *block; /* private copy of the memfd: cannot change while it is checked and read */
	size_t block_max;
};

/* The descriptors stay the caller's, and must outlive `s`. */
void snapshots_init(struct snapshots *s, int channel, int memory, const struct shared *shared,
		    uint64_t now_ns);
void snapshots_free(struct snapshots *s);

/*
 * Adds a waiter; the caller sets mask, deadline_ns and done. It must stay valid until `done` is
 * called or it is removed.
 */
void snapshots_wait(struct snapshots *s, struct waiter *waiter, uint64_t now_ns);
void snapshots_remove(struct snapshots *s, struct waiter *waiter);

/* Call when the channel is readable. False: it is closed or broken, stop watching it. */
bool snapshots_receive(struct snapshots *s, uint64_t now_ns);

/* Handles deadlines, restarts of the collector, and requests that could not be sent. */
void snapshots_tick(struct snapshots *s, uint64_t now_ns);

/* Calls all waiters with NULL, before the process ends. */
void snapshots_abandon(struct snapshots *s);

/* When to call snapshots_tick next; UINT64_MAX: only after another event. */
uint64_t snapshots_due(const struct snapshots *s, uint64_t now_ns);

/*
 * The data of another process is copied, not mapped, so that it cannot change while it is checked,
 * and cannot cause a SIGBUS.
 */

#define BLOCK_MAX (256ull << 20) /* bytes */

/*
 * Reads `length` bytes from the start of the file into *block, which has room for *max bytes and
 * grows if needed; the caller frees it. Returns 0; -EBADMSG if the file is shorter or `length` is
 * above BLOCK_MAX; -ENOMEM; another -errno.
 */
int block_read(int fd, uint64_t length, void **block, size_t *max);
