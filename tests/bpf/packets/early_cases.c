// SPDX-License-Identifier: Apache-2.0
/* Data that arrives before its session: it is read into `early` and not counted yet. */
#include <string.h>

#include "talk.h"

#define GREETING "\5\1\0"
#define REQUEST "\5\2\0\1\300\0\2\1\0\120"

/*
 * The first segment's number is the stream's first: it is compared with the connection's own when
 * that is there.
 */
static void kept(struct kernel *kernel)
{
	for (int way = 0; way < TALK_WAYS; way++) {
		uint64_t before = talk_now();
		struct early_dialogue found = {};
		struct session session;
		struct talk talk;

		check_about("%s", talk_ways[way].name);
		talk_begin(&talk, kernel, &talk_ways[way]);
		TALK(&talk, CLIENT, GREETING);
		check(talk_early(&talk, &found) && found.dialogue.client.isn == talk.isn[CLIENT] &&
			      found.dialogue.client.next == 3 && !found.dialogue.requested &&
			      !found.dialogue.client.flags,
		      "after the greeting: next %u, flags %u", found.dialogue.client.next,
		      found.dialogue.client.flags);
		TALK(&talk, CLIENT, REQUEST);
		check(talk_early(&talk, &found) && found.dialogue.requested &&
			      found.dialogue.client.flags == DIALOGUE_DONE &&
			      found.dialogue.command == ABI_COMMAND_BIND &&
			      found.dialogue.client.next == 13,
		      "requested %u, flags %u, command %u, next %u", found.dialogue.requested,
		      found.dialogue.client.flags, found.dialogue.command,
		      found.dialogue.client.next);
		check(found.begun_ns >= before && found.dialogue.request_ns >= found.begun_ns &&
			      found.dialogue.request_ns <= talk_now(),
		      "of another time");
		TALK(&talk, CLIENT, "data");
		talk_segment(&talk, CLIENT, 0, GREETING REQUEST, 13, 0);
		check(talk_early(&talk, &found) && found.dialogue.client.next == 13,
		      "data was read");
		talk_check(&talk);
		check(!talk_session(&talk, &session), "a session was made");
		talk_end(&talk);
	}
}

/* Its state equals that of a session's dialogue after the same bytes. */
static void same_as_session(struct kernel *kernel)
{
	static const char *const texts[] = {
		"\5\1\0",      "\5\1\2\1\4user\6secr", "\4\1\0\120\0\0\0\1us", "GET / HTTP/1.0\r\n",
		"\5\1\0GET /", "\5\1\0\5\1\0\3\4na"
	};
	static const size_t lengths[] = { 3, 14, 10, 16, 8, 10 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct early_dialogue found = {};
		struct session session = {};
		struct talk talk;

		check_about("text %zu", i);
		talk_begin(&talk, kernel, &talk_ways[i]);
		talk_say(&talk, CLIENT, texts[i], lengths[i]);
		check(talk_early(&talk, &found), "nothing early");
		talk_open(&talk);
		talk.said[CLIENT] = 0;
		talk_say(&talk, CLIENT, texts[i], lengths[i]);
		check(talk_session(&talk, &session), "no session");
		check(memcmp(&found.dialogue.client, &session.dialogue.client,
			     sizeof(found.dialogue.client)) == 0 &&
			      found.dialogue.command == session.dialogue.command &&
			      found.dialogue.malformed == session.dialogue.malformed &&
			      found.dialogue.requested == session.dialogue.requested,
		      "state %u, next %u, skip %u, not %u, %u, %u", found.dialogue.client.state,
		      found.dialogue.client.next, found.dialogue.client.skip,
		      session.dialogue.client.state, session.dialogue.client.next,
		      session.dialogue.client.skip);
		talk_end(&talk);
	}
}

/* An entry with the same ports, of a connection that was never established, is not continued. */
static void stale(struct kernel *kernel)
{
	struct early_dialogue found = { .dialogue = {
						.client = { .isn = 77, .next = 500, .state = 8 },
						.command = ABI_COMMAND_BIND } };
	struct dialogue *d = &found.dialogue;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	found.begun_ns = talk_now() - ABI_S(2);
	talk_early_set(&talk, &found);
	TALK(&talk, CLIENT, GREETING);
	check(talk_early(&talk, &found) && d->client.isn == talk.isn[CLIENT] &&
		      d->client.next == 3 && !d->command,
	      "it went on with the old one: next %u", d->client.next);
	found.begun_ns = talk_now() - ABI_MS(100);
	talk_early_set(&talk, &found);
	TALK(&talk, CLIENT, REQUEST);
	check(talk_early(&talk, &found) && d->client.next == 13 && d->requested,
	      "it did not go on");
	talk_check(&talk);
	talk_end(&talk);
}

/*
 * Bytes are missing, or there are too many: given up, and counted as lost by the session that takes
 * it.
 */
static void lost(struct kernel *kernel)
{
	static char endless[2000] = "\4\1\0\120\1\2\3\4";
	struct early_dialogue found;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	TALK(&talk, CLIENT, GREETING);
	talk_segment(&talk, CLIENT, 5, "\0\1\300\0", 4, 0);
	check(talk_early(&talk, &found) &&
		      found.dialogue.client.flags == (DIALOGUE_DONE | DIALOGUE_LOST),
	      "not given up");
	talk_segment(&talk, CLIENT, 3, REQUEST, 10, 0);
	check(talk_early(&talk, &found) && found.dialogue.client.next == 3, "it went on");
	talk_check(&talk);
	talk_end(&talk);

	memset(endless + 8, 'u', sizeof(endless) - 8);
	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_say(&talk, CLIENT, endless, sizeof(endless));
	check(talk_early(&talk, &found) &&
		      found.dialogue.client.flags == (DIALOGUE_DONE | DIALOGUE_LOST) &&
		      !found.dialogue.requested,
	      "not given up");
	talk_check(&talk);
	talk_end(&talk);
}

/* Data of the server without a session, and packets without data, create no entry. */
static void nothing(struct kernel *kernel)
{
	struct early_dialogue found;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[4]);
	TALK(&talk, SERVER, "\5\0\5\0\0\1\0\0\0\0\0\0");
	talk_segment(&talk, CLIENT, 0, "", 0, 0);
	talk_segment(&talk, CLIENT, 0u - 1, "", 0, FRAME_TCP_SYN);
	talk_segment(&talk, CLIENT, 0, "abc", 3, FRAME_TCP_RST);
	talk_check(&talk);
	check(!talk_early(&talk, &found), "something was kept");
	talk_end(&talk);
}

/* More entries than the map holds: old ones are evicted. */
static void evicted(struct kernel *kernel)
{
	int kept_there = 0;

	for (int i = 0; i < 3 * ABI_EARLY_MAX; i++) {
		struct early_dialogue found;
		struct talk talk;

		talk_begin(&talk, kernel, &talk_ways[0]);
		TALK(&talk, CLIENT, GREETING);
		kept_there += talk_early(&talk, &found) && found.dialogue.client.next == 3;
		talk_check(&talk);
	}
	check(kept_there == 3 * ABI_EARLY_MAX, "%d of %d were there", kept_there,
	      3 * ABI_EARLY_MAX);
}

const struct test_case early_cases[] = {
	{ "early/kept", kept },
	{ "early/as a session's", same_as_session },
	{ "early/stale", stale },
	{ "early/lost", lost },
	{ "early/nothing to keep", nothing },
	{ "early/more than fit", evicted },
	{ NULL },
};
