// SPDX-License-Identifier: Apache-2.0
#include "web/snapshots.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/metrics/metrics.h"
#include "lib/time.h"

#define START (1000 * NS_PER_S)

/* A waiter that records its notification. */
struct client {
	struct waiter waiter;
	int told;
	bool answered;
	uint64_t value;
};

static struct shared *region;
static struct process_cell *cell;
static struct snapshots all;
static int theirs, memory;

static void told(struct waiter *waiter, const struct snapshot *samples)
{
	struct client *client = (struct client *)waiter;

	client->told++;
	client->answered = samples;
	client->value = samples && samples->sample_count ? samples->samples[0].value.u : 0;
}

static void init(void)
{
	int ends[2];

	region = shared_create(1);
	cell = &region->processes[PROCESS_COLLECTOR];
	cell->pid = 1;
	cell->started_ns = START;
	cell->heartbeat_ns = START;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	theirs = ends[1];
	memory = memfd_create("snapshot", MFD_CLOEXEC);
	snapshots_init(&all, ends[0], memory, region, START);
}

static void fini(void)
{
	snapshots_free(&all);
}

TestSuite(snapshots, .init = init, .fini = fini);

static void client_want(struct client *client, uint32_t mask, uint64_t now_ns, uint64_t deadline_ns)
{
	*client = (struct client){
		.waiter = { .mask = mask, .done = told, .deadline_ns = deadline_ns }
	};
	snapshots_wait(&all, &client->waiter, now_ns);
}

static void client_wait(struct client *client, uint64_t now_ns, uint64_t deadline_ns)
{
	client_want(client, COLLECTOR_ALL, now_ns, deadline_ns);
}

/* The received request; its id is 0 if there was none. */
static struct snapshot_request request_take(void)
{
	struct snapshot_request request = { 0 };

	if (recv(theirs, &request, sizeof(request), 0) != sizeof(request))
		request.id = 0;
	return request;
}

/* Puts a snapshot with one sample into the memory. Returns its length. */
static uint64_t block_put(uint64_t id, uint64_t value)
{
	struct snapshot_builder b = { 0 };
	char block[256];
	int64_t length;

	snapshot_add_unsigned(&b, METRIC_PROXIES, NULL, value);
	length = snapshot_length(&b);
	snapshot_write(&b, id, block);
	snapshot_free(&b);
	cr_assert_eq(pwrite(memory, block, (size_t)length, 0), length);
	return (uint64_t)length;
}

static void answer_send(uint64_t id, uint64_t length)
{
	struct snapshot_answer answer = { .id = id, .length = length };

	cr_assert_eq(send(theirs, &answer, sizeof(answer), 0), sizeof(answer));
	cr_assert(snapshots_receive(&all, START));
}

static void answer(uint64_t id, uint64_t value)
{
	answer_send(id, block_put(id, value));
}

Test(snapshots, one_is_asked_and_answered)
{
	struct snapshot_request request;
	struct client one;

	client_wait(&one, START, START + 10 * NS_PER_S);
	request = request_take();
	cr_assert_neq(request.id, 0);
	cr_expect_eq(request.deadline_ns, START + 10 * NS_PER_S);
	cr_expect_eq(request.mask, COLLECTOR_ALL);
	cr_expect_eq(one.told, 0);
	answer(request.id, 5);
	cr_expect_eq(one.told, 1);
	cr_expect(one.answered);
	cr_expect_eq(one.value, 5);
	cr_expect_eq(all.answered_ns, START);
	cr_expect_eq(snapshots_due(&all, START), UINT64_MAX);
	cr_expect_eq(request_take().id, 0, "nobody waits");
}

Test(snapshots, nobody_gets_one_that_was_begun_before)
{
	struct client one, two, three;
	uint64_t first, second;

	client_wait(&one, START, START + 10 * NS_PER_S);
	first = request_take().id;
	client_wait(&two, START, START + 10 * NS_PER_S);
	client_wait(&three, START, START + 20 * NS_PER_S);
	cr_expect_eq(request_take().id, 0, "one at a time");
	answer(first, 1);
	cr_expect_eq(one.value, 1);
	cr_expect_eq(two.told + three.told, 0);
	second = request_take().id;
	cr_assert_gt(second, first);
	answer(second, 2);
	cr_expect_eq(two.value, 2);
	cr_expect_eq(three.value, 2, "those who came meanwhile share the next");
	cr_expect_eq(one.told, 1);
}

Test(snapshots, only_those_who_want_the_same_share_one)
{
	struct client first, one[2], two[2], none;
	struct snapshot_request request;

	client_want(&first, 1, START, START + 10 * NS_PER_S);
	request = request_take();
	cr_expect_eq(request.mask, 1);
	client_want(&one[0], 2, START, START + 10 * NS_PER_S);
	client_want(&two[0], 6, START, START + 10 * NS_PER_S);
	client_want(&none, 0, START, START + 10 * NS_PER_S);
	client_want(&one[1], 2, START, START + 20 * NS_PER_S);
	client_want(&two[1], 6, START, START + 5 * NS_PER_S);
	answer(request.id, 1);
	cr_expect_eq(first.value, 1);

	request = request_take();
	cr_expect_eq(request.mask, 2, "in the order in which they came");
	cr_expect_eq(request.deadline_ns, START + 20 * NS_PER_S);
	answer(request.id, 2);
	cr_expect_eq(one[0].value + one[1].value, 4);
	cr_expect_eq(two[0].told + two[1].told + none.told, 0);

	request = request_take();
	cr_expect_eq(request.mask, 6);
	cr_expect_eq(request.deadline_ns, START + 10 * NS_PER_S);
	answer(request.id, 3);
	cr_expect_eq(two[0].value + two[1].value, 6);
	request = request_take();
	cr_expect_eq(request.mask, 0);
	answer(request.id, 4);
	cr_expect_eq(none.value, 4);
	cr_expect_eq(first.told + one[0].told + one[1].told + two[0].told + two[1].told + none.told,
		     6, "each once");
	cr_expect_eq(snapshots_due(&all, START), UINT64_MAX);
}

Test(snapshots, a_restart_mixes_nobody)
{
	struct client one, two;
	struct snapshot_request request;

	client_want(&one, 1, START, START + 10 * NS_PER_S);
	request_take();
	client_want(&two, 2, START, START + 10 * NS_PER_S);
	cell->started_ns = START + NS_PER_S / 5;
	snapshots_tick(&all, START + NS_PER_S / 5);
	request = request_take();
	cr_expect_eq(request.mask, 1);
	answer(request.id, 5);
	cr_expect_eq(one.value, 5);
	cr_expect_eq(two.told, 0);
	request = request_take();
	cr_expect_eq(request.mask, 2);
	answer(request.id, 6);
	cr_expect_eq(two.value, 6);
}

Test(snapshots, the_latest_deadline_counts)
{
	struct client one, two, three;
	uint64_t first;

	client_wait(&one, START, START + 10 * NS_PER_S);
	first = request_take().id;
	client_wait(&two, START, START + 30 * NS_PER_S);
	client_wait(&three, START, START + 1 * NS_PER_S);
	answer(first, 1);
	cr_expect_eq(request_take().deadline_ns, START + 30 * NS_PER_S);
}

Test(snapshots, other_answers_are_dropped)
{
	struct client one;
	uint64_t id;

	client_wait(&one, START, START + 10 * NS_PER_S);
	id = request_take().id;
	answer(id - 1, 1);
	answer(id + 1, 1);
	answer(0, 1);
	cr_assert_eq(send(theirs, &id, sizeof(id), 0), sizeof(id));
	cr_expect(snapshots_receive(&all, START), "too short");
	cr_assert_gt(send(theirs, (char[100]){ 0 }, 100, 0), 0);
	cr_expect(snapshots_receive(&all, START), "too long");
	cr_expect_eq(one.told, 0);
	answer(id, 7);
	cr_expect_eq(one.value, 7);
	answer(id, 8);
	cr_expect_eq(one.told, 1, "twice");
}

Test(snapshots, bad_blocks_give_nothing)
{
	struct client one;
	uint64_t id, length;

	client_wait(&one, START, START + 10 * NS_PER_S);
	id = request_take().id;
	length = block_put(id + 1, 1);
	answer_send(id, length);
	cr_expect_eq(one.told, 1, "the block of another answer");
	cr_expect_not(one.answered);

	client_wait(&one, START, START + 10 * NS_PER_S);
	id = request_take().id;
	block_put(id, 1);
	answer_send(id, UINT64_MAX);
	cr_expect_eq(one.told, 1, "longer than the memory");
	cr_expect_not(one.answered);

	client_wait(&one, START, START + 10 * NS_PER_S);
	id = request_take().id;
	answer_send(id, 0);
	cr_expect_eq(one.told, 1, "nothing could be read");
	cr_expect_not(one.answered);
	cr_expect_eq(all.answered_ns, 0);
}

Test(snapshots, deadlines_are_each_ones_own)
{
	struct client one, two;
	uint64_t id;

	client_wait(&one, START, START + 1 * NS_PER_S);
	id = request_take().id;
	client_wait(&two, START, START + 5 * NS_PER_S);
	cell->heartbeat_ns = START + 1 * NS_PER_S;
	snapshots_tick(&all, START + 1 * NS_PER_S - 1);
	cr_expect_eq(one.told, 0);
	snapshots_tick(&all, START + 1 * NS_PER_S);
	cr_expect_eq(one.told, 1);
	cr_expect_not(one.answered);
	cr_expect_eq(two.told, 0);
	cr_assert_gt(request_take().id, id, "nobody waits for the first any more");
	answer(id, 1);
	cr_expect_eq(two.told, 0, "too late");
	answer(id + 1, 2);
	cr_expect_eq(two.value, 2);
}

Test(snapshots, a_restarted_collector_is_asked_again)
{
	struct client one;
	uint64_t id;

	client_wait(&one, START, START + 10 * NS_PER_S);
	id = request_take().id;
	cell->pid = 0;
	snapshots_tick(&all, START + NS_PER_S / 10);
	cr_expect_eq(request_take().id, 0);
	cell->pid = 2;
	cell->started_ns = START + NS_PER_S / 5;
	snapshots_tick(&all, START + NS_PER_S / 5);
	cr_assert_gt(request_take().id, id);
	answer(id + 1, 3);
	cr_expect_eq(one.value, 3);
}

Test(snapshots, a_dead_collector_is_not_waited_for)
{
	struct client one, two;

	cell->pid = 0;
	snapshots_tick(&all, START + 100 * NS_PER_S);
	client_wait(&one, START + 100 * NS_PER_S, START + 110 * NS_PER_S);
	snapshots_tick(&all, START + 101 * NS_PER_S);
	cr_expect_eq(one.told, 0, "it may be starting");
	cr_expect_leq(snapshots_due(&all, START + 101 * NS_PER_S),
		      START + 101 * NS_PER_S + NS_PER_S / 10);
	snapshots_tick(&all, START + 102 * NS_PER_S);
	cr_expect_eq(one.told, 1);
	cr_expect_not(one.answered);

	cell->pid = 2;
	cell->started_ns = START + 103 * NS_PER_S;
	snapshots_tick(&all, START + 103 * NS_PER_S);
	client_wait(&two, START + 103 * NS_PER_S, START + 113 * NS_PER_S);
	snapshots_tick(&all, START + 112 * NS_PER_S);
	cr_expect_eq(two.told, 0, "it has not beaten yet, but it was started");
	snapshots_tick(&all, START + 113 * NS_PER_S);
	cr_expect_eq(two.told, 1);
}

Test(snapshots, a_silent_collector_is_not_waited_for)
{
	struct client one;

	client_wait(&one, START + 20 * NS_PER_S, START + 30 * NS_PER_S);
	snapshots_tick(&all, START + 20 * NS_PER_S);
	snapshots_tick(&all, START + 22 * NS_PER_S);
	cr_expect_eq(one.told, 1);
}

Test(snapshots, a_full_channel)
{
	struct client one;
	uint64_t id = 0, last;
	int sent = 0;

	while (send(all.channel, &id, sizeof(id), MSG_DONTWAIT) > 0)
		sent++;
	cr_assert_gt(sent, 0);
	client_wait(&one, START, START + 10 * NS_PER_S);
	cr_expect_not(all.sent);
	snapshots_tick(&all, START + 1);
	cr_expect_not(all.sent);
	while (recv(theirs, (char[100]){ 0 }, 100, 0) > 0)
		;
	snapshots_tick(&all, START + 2);
	cr_expect(all.sent);
	last = request_take().id;
	snapshots_tick(&all, START + 3);
	cr_expect_eq(request_take().id, 0, "once is enough");
	answer(last, 4);
	cr_expect_eq(one.value, 4);
}

Test(snapshots, who_left_is_not_told)
{
	struct client one, two;
	uint64_t id;

	client_wait(&one, START, START + 10 * NS_PER_S);
	id = request_take().id;
	client_wait(&two, START, START + 10 * NS_PER_S);
	snapshots_remove(&all, &one.waiter);
	snapshots_remove(&all, &two.waiter);
	snapshots_remove(&all, &two.waiter);
	answer(id, 1);
	cr_expect_eq(one.told + two.told, 0);
	cr_expect_eq(request_take().id, 0);
}

Test(snapshots, the_end)
{
	struct client one, two;

	client_wait(&one, START, START + 10 * NS_PER_S);
	client_wait(&two, START, START + 10 * NS_PER_S);
	snapshots_abandon(&all);
	cr_expect_eq(one.told, 1);
	cr_expect_eq(two.told, 1);
	close(theirs);
	cr_expect_not(snapshots_receive(&all, START), "not to be watched any more");
}

static int memory_with(const char *text)
{
	int fd = memfd_create("block", MFD_CLOEXEC);

	cr_assert_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return fd;
}

Test(block, is_read)
{
	int fd = memory_with("0123456789");
	void *block = NULL, *kept;
	size_t max = 0;

	cr_assert_eq(block_read(fd, 8, &block, &max), 0);
	cr_expect_eq(memcmp(block, "01234567", 8), 0);
	kept = block;
	cr_assert_eq(block_read(fd, 4, &block, &max), 0);
	cr_expect_eq(block, kept, "its memory is used again");
	cr_expect_eq(max, 8);
	cr_assert_eq(block_read(fd, 10, &block, &max), 0);
	cr_expect_eq(memcmp(block, "0123456789", 10), 0);
	free(block);
}

Test(block, that_is_not_there)
{
	int fd = memory_with("0123456789");
	void *block = NULL;
	size_t max = 0;

	cr_expect_eq(block_read(fd, 11, &block, &max), -EBADMSG);
	cr_expect_eq(block_read(fd, BLOCK_MAX + 1, &block, &max), -EBADMSG);
	cr_expect_eq(block_read(fd, UINT64_MAX, &block, &max), -EBADMSG);
	cr_assert_eq(ftruncate(fd, BLOCK_MAX + 8), 0);
	cr_expect_eq(block_read(fd, BLOCK_MAX + 8, &block, &max), -EBADMSG,
		     "it is there, and too much");
	cr_assert_eq(ftruncate(fd, 10), 0);
	cr_expect_null(block, "no memory for what is only claimed");
	cr_assert_eq(block_read(fd, 10, &block, &max), 0);
	cr_assert_eq(ftruncate(fd, 5), 0);
	cr_expect_eq(block_read(fd, 10, &block, &max), -EBADMSG, "it shrank");
	cr_expect_eq(block_read(-1, 10, &block, &max), -EBADF);
	free(block);
}
