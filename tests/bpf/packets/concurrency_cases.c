// SPDX-License-Identifier: Apache-2.0
/*
 * Two CPUs with segments of one dialogue at the same time, as when the sends of a client move
 * between CPUs.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "talk.h"

#define TEXT "\5\2\0\2\1\4user\6secret\5\2\0\3\13example.org\0\120"
#define LENGTH (sizeof(TEXT) - 1)
#define SERVER_TEXT "\5\2\1\0\5\0\0\1\0\0\0\0\0\0"
#define BUDGET_NS 1500000000u /* of a case: as many talks as fit */
#define TALKS_MAX 5000
#define TALKS_LEAST 10

struct pair {
	pthread_t other;
	int arrived; /* grows by 2 at each meeting */
	bool ended;
	struct talk talk;
	void (*say)(struct talk *talk, int who, struct pair *pair);
};

/* Both continue from here at nearly the same time. */
static void meet(struct pair *pair)
{
	int number = __atomic_fetch_add(&pair->arrived, 1, __ATOMIC_SEQ_CST),
	    both = (number | 1) + 1;

	for (int spins = 0; __atomic_load_n(&pair->arrived, __ATOMIC_SEQ_CST) < both; spins++)
		if (spins > 2000)
			sched_yield();
}

static void *other_main(void *argument)
{
	struct pair *pair = argument;

	for (;;) {
		meet(pair);
		if (pair->ended)
			return NULL;
		pair->say(&pair->talk, 1, pair);
		meet(pair);
	}
}

static void talk_at_once(struct kernel *kernel, void (*say)(struct talk *, int, struct pair *))
{
	struct pair pair = { .say = say };
	uint64_t begin = talk_now();
	int talks = 0;

	if (!check(pthread_create(&pair.other, NULL, other_main, &pair) == 0, "no thread"))
		return;
	for (; talks < TALKS_MAX && !check_is_failed(); talks++) {
		if (talk_now() - begin > BUDGET_NS && talks >= TALKS_LEAST)
			break;
		check_about("talk %d", talks);
		talk_begin(&pair.talk, kernel, &talk_ways[talks % TALK_WAYS]);
		talk_open(&pair.talk);
		meet(&pair);
		say(&pair.talk, 0, &pair);
		meet(&pair);
		TALK(&pair.talk, SERVER, SERVER_TEXT);
		pair.talk.want.requests.bind = 1;
		pair.talk.want.successes = 1;
		talk_check(&pair.talk);
		talk_end(&pair.talk);
	}
	pair.ended = true;
	meet(&pair);
	pthread_join(pair.other, NULL);
}

/* Each byte on both CPUs: as a segment and its retransmission. */
static void say_same(struct talk *talk, int who, struct pair *pair)
{
	for (uint32_t at = 0; at < LENGTH; at++)
		talk_segment(talk, CLIENT, at, TEXT + at, 1, 0);
}

static void same(struct kernel *kernel)
{
	talk_at_once(kernel, say_same);
}

/* The same with segments that overlap, of other sizes on each CPU. */
static void say_overlapping(struct talk *talk, int who, struct pair *pair)
{
	uint32_t size = who ? 3 : 5;

	for (uint32_t at = 0; at < LENGTH; at += size - 1)
		talk_segment(talk, CLIENT, at, TEXT + at, LENGTH - at < size ? LENGTH - at : size,
			     0);
}

static void overlapping(struct kernel *kernel)
{
	talk_at_once(kernel, say_overlapping);
}

/* One byte on each CPU, then the next two: which is first is chance. */
static void say_pairs(struct talk *talk, int who, struct pair *pair)
{
	for (uint32_t at = 0; at < LENGTH; at += 2) {
		meet(pair);
		if (at + (uint32_t)who < LENGTH)
			talk_segment(talk, CLIENT, at + (uint32_t)who, TEXT + at + who, 1, 0);
	}
}

static void pairs(struct kernel *kernel)
{
	talk_at_once(kernel, say_pairs);
}

const struct test_case concurrency_cases[] = {
	{ "at once/the same segments", same },
	{ "at once/overlapping segments", overlapping },
	{ "at once/two segments", pairs },
	{ NULL },
};
