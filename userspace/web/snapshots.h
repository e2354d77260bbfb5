/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the collector: one snapshot runs at a time; of those who come while it runs, all that want
 * the same collectors share the next. Knows nothing of HTTP; time is given to it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/process/shared.h"
#include "lib/snapshot/snapshot.h"

struct snapshots;

/*
 * Who wants a snapshot that begins after now. `done` is called once: with the samples, or with NULL
 * when there are none.
 */
struct waiter {
	TAILQ_ENTRY(waiter) link;
	uint32_t mask; /* of the collectors that are wanted: as of struct snapshot_request */
	uint64_t deadline_ns;
	uint64_t patience_ns; /* when it gives up if the collector stays dead */
	void (*done)(struct waiter *waiter, const struct snapshot *samples);
};
TAILQ_HEAD(waiter_list, waiter);

struct snapshots {
	int channel, memory; /* the SEQPACKET end, the memfd */
	const struct shared *shared;

	uint64_t last_id;    /* ids only rise, across restarts of this process too */
	uint64_t running_id; /* 0: none runs */
	bool sent;	     /* false: the channel was full, send again */
	uint64_t asked_ns;   /* started_ns of the collector when it was asked */
	struct waiter_list running, queued;
	uint64_t round;		/* rises with each batch of waiters that is told at once */
	uint64_t dead_since_ns; /* 0 while the collector lives */
	uint64_t answered_ns;	/* last answer that held a snapshot, 0: none yet */
	bool bad_block_logged;	/* about a bad block, since the last good one */

	void *block; /* our copy of the memfd: nobody else can write to it while it is checked and
			printed */
	size_t block_max;
};

/* Borrows the descriptors. */
void snapshots_init(struct snapshots *s, int channel, int memory, const struct shared *shared,
		    uint64_t now_ns);
void snapshots_free(struct snapshots *s);

/*
 * Adds a waiter, with mask, deadline_ns and done set; it must live until done was called or it was
 * removed.
 */
void snapshots_wait(struct snapshots *s, struct waiter *waiter, uint64_t now_ns);
void snapshots_remove(struct snapshots *s, struct waiter *waiter);

/* The channel is readable. False when it is at its end, or broken: do not watch it any more. */
bool snapshots_receive(struct snapshots *s, uint64_t now_ns);

/* Deadlines, a collector that was restarted, a request that could not be sent. */
void snapshots_tick(struct snapshots *s, uint64_t now_ns);

/* Tells everybody that there is nothing: the end is near. */
void snapshots_abandon(struct snapshots *s);

/* When snapshots_tick is wanted next; UINT64_MAX: not before something happens. */
uint64_t snapshots_due(const struct snapshots *s, uint64_t now_ns);

/*
 * Copying what another process wrote: read, not mapped, so that it can neither change under us nor
 * end in a SIGBUS.
 */

#define BLOCK_MAX (256ull << 20)

/*
 * Reads `length` bytes from the start of the file into *block, which grows when needed and is kept.
 * Returns 0; -EBADMSG when the file is shorter or `length` is above BLOCK_MAX; -ENOMEM; another
 * -errno.
 */
int block_read(int fd, uint64_t length, void **block, size_t *max);
