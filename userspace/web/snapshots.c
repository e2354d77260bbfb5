// SPDX-License-Identifier: Apache-2.0
#include "web/snapshots.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/time.h"

#define SILENCE_NS (10 * NS_PER_S) /* without a heartbeat for this long, the collector is dead */
#define PATIENCE_NS (2 * NS_PER_S) /* wait for a dead collector; a restart takes about 0.1 s */
#define WATCH_NS (NS_PER_S / 50)   /* between checks of the collector's cell while waiting */

void snapshots_init(struct snapshots *s, int channel, int memory, const struct shared *shared,
		    uint64_t now_ns)
{
	*s = (struct snapshots){
		.channel = channel,
		.memory = memory,
		.shared = shared,
		/* Differs from the ids of an earlier web process, whose answers may still come. */
		.last_id = now_ns,
	};
	TAILQ_INIT(&s->running);
	TAILQ_INIT(&s->queued);
}

void snapshots_free(struct snapshots *s)
{
	free_pointer(&s->block);
	s->block_max = 0;
}

static const struct process_cell *collector(const struct snapshots *s)
{
	return &s->shared->processes[PROCESS_COLLECTOR];
}

/*
 * The cell of a process that was just forked still has the heartbeat of its predecessor, so the
 * start time counts as a heartbeat too.
 */
static bool collector_alive(const struct snapshots *s, uint64_t now_ns)
{
	uint64_t heartbeat = collector(s)->heartbeat_ns, started = collector(s)->started_ns;
	uint64_t seen = heartbeat > started ? heartbeat : started;

	return collector(s)->pid && (seen >= now_ns || now_ns - seen <= SILENCE_NS);
}

static void request_send(struct snapshots *s)
{
	struct snapshot_request request = { .id = s->running_id,
					    .mask = TAILQ_FIRST(&s->running)->mask };
	const struct waiter *waiter;

	/*
	 * The latest deadline: a client with a short timeout must not cut the samples of the
	 * others.
	 */
	TAILQ_FOREACH(waiter, &s->running, link)
	if (waiter->deadline_ns > request.deadline_ns)
		request.deadline_ns = waiter->deadline_ns;
	s->sent = send(s->channel, &request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) ==
		  sizeof(request);
}

/*
 * All waiters for the same collectors share the next answer, because it has not begun yet. Waiters
 * for other collectors follow, in the order of the first waiter of each mask.
 */
static void queued_join(struct snapshots *s)
{
	const struct waiter *first = TAILQ_FIRST(&s->running) ?: TAILQ_FIRST(&s->queued);
	struct waiter *waiter = TAILQ_FIRST(&s->queued);

	while (waiter) {
		struct waiter *next = TAILQ_NEXT(waiter, link);

		if (waiter->mask == first->mask) {
			TAILQ_REMOVE(&s->queued, waiter, link);
			TAILQ_INSERT_TAIL(&s->running, waiter, link);
		}
		waiter = next;
	}
}

/* A new id, so that two answers never compete for the memfd. */
static void snapshot_start(struct snapshots *s)
{
	queued_join(s);
	s->running_id = ++s->last_id;
	s->asked_ns = collector(s)->started_ns;
	request_send(s);
}

static void list_finish(struct snapshots *s, struct waiter_list *list,
			const struct snapshot *samples)
{
	struct waiter *waiter;

	s->round++;
	while ((waiter = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, waiter, link);
		waiter->done(waiter, samples);
	}
}

static void snapshot_finish(struct snapshots *s, const struct snapshot *samples)
{
	/* Waiters that are added by these callbacks belong to the next snapshot. */
	struct waiter_list told = TAILQ_HEAD_INITIALIZER(told);

	TAILQ_CONCAT(&told, &s->running, link);
	s->running_id = 0;
	list_finish(s, &told, samples);
	if (!s->running_id && !TAILQ_EMPTY(&s->queued))
		snapshot_start(s);
}

void snapshots_wait(struct snapshots *s, struct waiter *waiter, uint64_t now_ns)
{
	waiter->patience_ns = now_ns + PATIENCE_NS;
	TAILQ_INSERT_TAIL(&s->queued, waiter, link);
	if (!s->running_id)
		snapshot_start(s);
}

void snapshots_remove(struct snapshots *s, struct waiter *waiter)
{
	struct waiter *other;

	TAILQ_FOREACH(other, &s->running, link)
	{
		if (other == waiter) {
			TAILQ_REMOVE(&s->running, waiter, link);
			break;
		}
	}
	TAILQ_FOREACH(other, &s->queued, link)
	{
		if (other == waiter) {
			TAILQ_REMOVE(&s->queued, waiter, link);
			break;
		}
	}
}

/* Copies the block out of the memfd and checks the copy. */
static int block_take(struct snapshots *s, struct snapshot *samples,
		      const struct snapshot_answer *answer)
{
	int r = block_read(s->memory, answer->length, &s->block, &s->block_max);

	return r ? r : snapshot_open(samples, s->block, answer->length, answer->id);
}

static void answer_take(struct snapshots *s, const struct snapshot_answer *answer, uint64_t now_ns)
{
	struct snapshot samples;
	int r;

	if (!answer->length) {
		snapshot_finish(s, NULL);
		return;
	}
	r = block_take(s, &samples, answer);
	if (r) {
		if (!s->bad_block_logged)
			log_warn("invalid snapshot from the collector", field_error(r));
		s->bad_block_logged = true;
		snapshot_finish(s, NULL);
		return;
	}
	s->bad_block_logged = false;
	s->answered_ns = now_ns;
	snapshot_finish(s, &samples);
}

bool snapshots_receive(struct snapshots *s, uint64_t now_ns)
{
	struct snapshot_answer answer;
	ssize_t length;

	/* One message: further ones are rare and wake the loop again. */
	length = recv(s->channel, &answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);
	if (length == sizeof(answer) && s->running_id && answer.id == s->running_id)
		answer_take(s, &answer, now_ns);
	return length > 0 || (length < 0 && errno == EAGAIN);
}

static uint64_t waiter_end(const struct snapshots *s, const struct waiter *waiter)
{
	uint64_t patience = waiter->patience_ns;

	if (!s->dead_since_ns)
		return waiter->deadline_ns;
	if (patience < s->dead_since_ns + PATIENCE_NS)
		patience = s->dead_since_ns + PATIENCE_NS;
	return patience < waiter->deadline_ns ? patience : waiter->deadline_ns;
}

static void late_move(const struct snapshots *s, struct waiter_list *late, struct waiter_list *list,
		      uint64_t now_ns)
{
	struct waiter *waiter = TAILQ_FIRST(list);

	while (waiter) {
		struct waiter *next = TAILQ_NEXT(waiter, link);

		if (waiter_end(s, waiter) <= now_ns) {
			TAILQ_REMOVE(list, waiter, link);
			TAILQ_INSERT_TAIL(late, waiter, link);
		}
		waiter = next;
	}
}

void snapshots_tick(struct snapshots *s, uint64_t now_ns)
{
	struct waiter_list late = TAILQ_HEAD_INITIALIZER(late);

	if (collector_alive(s, now_ns))
		s->dead_since_ns = 0;
	else if (!s->dead_since_ns)
		s->dead_since_ns = now_ns;
	if (!s->running_id)
		return;

	late_move(s, &late, &s->running, now_ns);
	late_move(s, &late, &s->queued, now_ns);
	if (TAILQ_EMPTY(&s->running)) {
		/* Nobody waits for that answer any more; it is dropped when it arrives. */
		s->running_id = 0;
		if (!TAILQ_EMPTY(&s->queued))
			snapshot_start(s);
	} else if (collector(s)->started_ns != s->asked_ns) {
		/* The collector was restarted, and may have lost the request. */
		snapshot_start(s);
	} else if (!s->sent) {
		request_send(s);
	}
	list_finish(s, &late, NULL);
}

void snapshots_abandon(struct snapshots *s)
{
	s->running_id = 0;
	TAILQ_CONCAT(&s->running, &s->queued, link);
	list_finish(s, &s->running, NULL);
}

uint64_t snapshots_due(const struct snapshots *s, uint64_t now_ns)
{
	const struct waiter_list *lists[] = { &s->running, &s->queued };
	uint64_t due = now_ns + WATCH_NS;
	const struct waiter *waiter;

	if (!s->running_id)
		return UINT64_MAX;
	for (size_t i = 0; i < 2; i++)
		TAILQ_FOREACH(waiter, lists[i], link)
	if (waiter_end(s, waiter) < due)
		due = waiter_end(s, waiter);
	return due;
}

static int block_grow(int fd, uint64_t length, void **block, size_t *max)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *grown;

	/* Check the size first: do not allocate memory for a false length. */
	if (length > BLOCK_MAX || size < 0 || (uint64_t)size < length)
		return -EBADMSG;
	grown = malloc(length);
	if (!grown)
		return -ENOMEM;
	free(*block);
	*block = grown;
	*max = length;
	return 0;
}

int block_read(int fd, uint64_t length, void **block, size_t *max)
{
	if (length > *max) {
		int r = block_grow(fd, length, block, max);

		if (r)
			return r;
	}
	for (uint64_t at = 0; at < length;) {
		ssize_t got = pread(fd, (char *)*block + at, length - at, (off_t)at);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		at += (uint64_t)got;
	}
	return 0;
}
