// SPDX-License-Identifier: Apache-2.0
/* When and how an outcome is counted: duration, which side closed, earlier outcome. */
#include "talk.h"

#define GREETING "\5\1\0"
#define REQUEST "\5\1\0\1\300\0\2\1\0\120"
#define OK "\5\0\0\1\0\0\0\0\0\0"
#define REFUSED "\5\5\0\1\0\0\0\0\0\0"

static void duration(struct kernel *kernel)
{
	static const uint64_t bounds[ABI_BOUNDS_MAX][ABI_HISTOGRAM_BUCKETS - 1] =
		ABI_HISTOGRAM_BOUNDS;

	for (int bucket = 0; bucket < ABI_HISTOGRAM_BUCKETS; bucket++)
		for (int outcome = 0; outcome < ABI_OUTCOME_MAX; outcome++) {
			const struct abi_histogram *h = &ABI_AT(
				struct abi_histogram, kernel->counters->request_duration, outcome);
			/*
			 * From the middle of the bucket: a fifth of a millisecond below the first
			 * bound.
			 */
			uint64_t low = bucket ? bounds[ABI_BOUNDS_LATENCY][bucket - 1] : 0;
			uint64_t high = bucket < ABI_HISTOGRAM_BUCKETS - 1
						? bounds[ABI_BOUNDS_LATENCY][bucket]
						: ABI_S(1000);
			uint64_t age = bucket ? low + (high - low) / 4 : 0, before, after;
			struct session session;
			struct talk talk;

			talk_begin(&talk, kernel, &talk_ways[0]);
			talk_open(&talk);
			TALK(&talk, CLIENT, GREETING REQUEST);
			if (!check(talk_session(&talk, &session), "no session"))
				return;
			check(session.dialogue.request_ns <= talk_now() &&
				      session.dialogue.request_ns >= session.opened_ns,
			      "the request came at %llu",
			      (unsigned long long)session.dialogue.request_ns);
			before = talk_now();
			if (age >= before) { /* a machine with a shorter uptime */
				talk_end(&talk);
				continue;
			}
			session.dialogue.request_ns = before - age;
			talk_session_set(&talk, &session);
			if (outcome == ABI_OUTCOME_SUCCESS)
				TALK(&talk, SERVER, "\5\0" OK);
			else
				TALK(&talk, SERVER, "\5\0" REFUSED);
			after = talk_now();
			/*
			 * On a busy machine it may have taken longer: then a later bucket is
			 * correct.
			 */
			check(h->buckets[bucket] == 1 || age + after - before > high,
			      "not in bucket %d", bucket);
			check(h->sum_ns >= age && h->sum_ns <= age + after - before,
			      "the sum is %llu, not %llu", (unsigned long long)h->sum_ns,
			      (unsigned long long)age);
			talk_end(&talk);
		}
}

/* A clock that seems to run backwards (another CPU's) makes no duration of 500 years. */
static void future(struct kernel *kernel)
{
	struct session session;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	TALK(&talk, CLIENT, GREETING REQUEST);
	check(talk_session(&talk, &session), "no session");
	session.dialogue.request_ns = talk_now() + ABI_S(100);
	talk_session_set(&talk, &session);
	TALK(&talk, SERVER, "\5\0" OK);
	talk.want.requests.connect = talk.want.successes = 1;
	talk_check(&talk);
	check(kernel->counters->request_duration.success.sum_ns == 0, "it took time");
	talk_end(&talk);
}

/*
 * The client had sent its FIN: whether it read the reply is known when the socket closes, so
 * nothing is counted yet.
 */
static void pending(struct kernel *kernel)
{
	for (int way = 0; way < TALK_WAYS; way++) {
		struct session session;
		struct talk talk;

		check_about("%s", talk_ways[way].name);
		talk_begin(&talk, kernel, &talk_ways[way]);
		talk_open(&talk);
		TALK(&talk, CLIENT, GREETING REQUEST);
		check(talk_session(&talk, &session), "no session");
		session.closer = SESSION_CLOSED_BY_CLIENT;
		talk_session_set(&talk, &session);
		TALK(&talk, SERVER, "\5\0" REFUSED);
		talk.want.requests.connect = 1;
		talk_check(&talk);
		check(talk_session(&talk, &session), "no session");
		check(session.dialogue.pending && !session.dialogue.settled &&
			      session.dialogue.reply_end == 4 &&
			      session.dialogue.verdict == 2 + ABI_FAILURE_CONNECTION_REFUSED &&
			      session.dialogue.reply_ns >= session.dialogue.request_ns,
		      "pending %u, settled %u, reply_end %u, verdict %u", session.dialogue.pending,
		      session.dialogue.settled, session.dialogue.reply_end,
		      session.dialogue.verdict);
		talk_end(&talk);
	}
}

/* The server closes in the same moment as it replies: that is its outcome. */
static void server_closed(struct kernel *kernel)
{
	struct session session;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	TALK(&talk, CLIENT, GREETING REQUEST);
	check(talk_session(&talk, &session), "no session");
	session.closer = SESSION_CLOSED_BY_SERVER;
	talk_session_set(&talk, &session);
	TALK(&talk, SERVER, "\5\0" REFUSED);
	talk.want.requests.connect = 1;
	talk.want.failures.connection_refused = 1;
	talk_check(&talk);
	talk_end(&talk);
}

/* An adopted connection: its dialogue is unknown. */
static void adopted(struct kernel *kernel)
{
	struct session session;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	check(talk_session(&talk, &session), "no session");
	session.adopted = 1;
	session.dialogue.client = (struct dialogue_side){ .flags = DIALOGUE_DONE };
	session.dialogue.server = (struct dialogue_side){ .flags = DIALOGUE_DONE };
	talk_session_set(&talk, &session);
	TALK(&talk, CLIENT, GREETING REQUEST);
	TALK(&talk, SERVER, "\5\0" OK);
	talk_check(&talk);
	talk_end(&talk);
}

/* Refused in the negotiation, and the request comes all the same: one request, one outcome. */
static void request_after_refusal(struct kernel *kernel)
{
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	TALK(&talk, CLIENT, GREETING);
	TALK(&talk, SERVER, "\5\377");
	talk.want.failures.no_acceptable_method = 1;
	talk_check(&talk);
	TALK(&talk, CLIENT, REQUEST);
	talk.want.requests.connect = 1;
	TALK(&talk, SERVER, OK);
	talk_check(&talk);
	talk_end(&talk);
}

/*
 * A SOCKS4 request whose user name has no end is counted once, as unreadable; its outcome still
 * counts.
 */
static void endless(struct kernel *kernel)
{
	char request[2000] = "\4\1\0\120\1\2\3\4";
	struct talk talk;

	for (size_t i = 8; i < sizeof(request); i++)
		request[i] = 'u';
	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	talk_say(&talk, CLIENT, request, sizeof(request));
	talk_say(&talk, CLIENT, request, sizeof(request));
	talk.want.losses.parse = 1;
	talk_check(&talk);
	TALK(&talk, SERVER, "\0\133\0\0\0\0\0\0");
	talk.want.requests.unknown = 1;
	talk.want.failures.general_failure = 1;
	talk_check(&talk);
	talk_end(&talk);
}

const struct test_case settle_cases[] = {
	{ "settle/duration", duration },
	{ "settle/a request of the future", future },
	{ "settle/pending after the client's FIN", pending },
	{ "settle/the server closed", server_closed },
	{ "settle/adopted", adopted },
	{ "settle/a request after its refusal", request_after_refusal },
	{ "settle/endless", endless },
	{ NULL },
};
