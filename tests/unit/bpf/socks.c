// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/socks.h, compared with a separate table, and with whole dialogues built from the
 * protocol documents.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <wgsocks/abi.h>
#include "bpf/parse/socks.h"

#define EVENT_LAST SOCKS_EVENT_REPLY4
#define ITSELF (-1)

/*
 * Bytes `first` to `last` in `state`: what the step must be. The skip is `skip`, and the byte on
 * top when `skip_byte`.
 */
struct rule {
	int state, first, last, next, skip, skip_byte, event;
};

#define TO(next) next, 0, 0, SOCKS_EVENT_NONE
#define SKIP(next, n) next, n, 0, SOCKS_EVENT_NONE
#define SKIP_BYTE(next, n) next, n, 1, SOCKS_EVENT_NONE
#define SAY(next, event) next, 0, 0, SOCKS_EVENT_##event

static const struct rule client_rules[] = {
	{ SOCKS_CLIENT_VERSION, 0, 3, SAY(SOCKS_CLIENT_DONE, FOREIGN) },
	{ SOCKS_CLIENT_VERSION, 4, 4, TO(SOCKS_CLIENT_4_COMMAND) },
	{ SOCKS_CLIENT_VERSION, 5, 5, TO(SOCKS_CLIENT_METHOD_COUNT) },
	{ SOCKS_CLIENT_VERSION, 6, 255, SAY(SOCKS_CLIENT_DONE, FOREIGN) },
	{ SOCKS_CLIENT_METHOD_COUNT, 0, 0, TO(SOCKS_CLIENT_AUTH_OR_REQUEST) },
	{ SOCKS_CLIENT_METHOD_COUNT, 1, 255, SKIP_BYTE(SOCKS_CLIENT_METHODS, 0) },
	{ SOCKS_CLIENT_AUTH_OR_REQUEST, 0, 0, SAY(SOCKS_CLIENT_DONE, MALFORMED) },
	{ SOCKS_CLIENT_AUTH_OR_REQUEST, 1, 1, TO(SOCKS_CLIENT_USER_LENGTH) },
	{ SOCKS_CLIENT_AUTH_OR_REQUEST, 2, 4, SAY(SOCKS_CLIENT_DONE, MALFORMED) },
	{ SOCKS_CLIENT_AUTH_OR_REQUEST, 5, 5, TO(SOCKS_CLIENT_COMMAND) },
	{ SOCKS_CLIENT_AUTH_OR_REQUEST, 6, 255, SAY(SOCKS_CLIENT_DONE, MALFORMED) },
	{ SOCKS_CLIENT_USER_LENGTH, 0, 0, TO(SOCKS_CLIENT_PASSWORD_LENGTH) },
	{ SOCKS_CLIENT_USER_LENGTH, 1, 255, SKIP_BYTE(SOCKS_CLIENT_USER, 0) },
	{ SOCKS_CLIENT_PASSWORD_LENGTH, 0, 0, TO(SOCKS_CLIENT_REQUEST) },
	{ SOCKS_CLIENT_PASSWORD_LENGTH, 1, 255, SKIP_BYTE(SOCKS_CLIENT_PASSWORD, 0) },
	{ SOCKS_CLIENT_REQUEST, 0, 4, SAY(SOCKS_CLIENT_DONE, MALFORMED) },
	{ SOCKS_CLIENT_REQUEST, 5, 5, TO(SOCKS_CLIENT_COMMAND) },
	{ SOCKS_CLIENT_REQUEST, 6, 255, SAY(SOCKS_CLIENT_DONE, MALFORMED) },
	{ SOCKS_CLIENT_COMMAND, 0, 255, SAY(SOCKS_CLIENT_RESERVED, COMMAND) },
	{ SOCKS_CLIENT_RESERVED, 0, 255, TO(SOCKS_CLIENT_ADDRESS_TYPE) },
	{ SOCKS_CLIENT_ADDRESS_TYPE, 0, 0, TO(SOCKS_CLIENT_DONE) },
	{ SOCKS_CLIENT_ADDRESS_TYPE, 1, 1, SKIP(SOCKS_CLIENT_ADDRESS, 6) },
	{ SOCKS_CLIENT_ADDRESS_TYPE, 2, 2, TO(SOCKS_CLIENT_DONE) },
	{ SOCKS_CLIENT_ADDRESS_TYPE, 3, 3, TO(SOCKS_CLIENT_NAME_LENGTH) },
	{ SOCKS_CLIENT_ADDRESS_TYPE, 4, 4, SKIP(SOCKS_CLIENT_ADDRESS, 18) },
	{ SOCKS_CLIENT_ADDRESS_TYPE, 5, 255, TO(SOCKS_CLIENT_DONE) },
	{ SOCKS_CLIENT_NAME_LENGTH, 0, 255, SKIP_BYTE(SOCKS_CLIENT_ADDRESS, 2) },
	{ SOCKS_CLIENT_4_COMMAND, 0, 255, SOCKS_CLIENT_4_PORT, 2, 0, SOCKS_EVENT_COMMAND },
	{ SOCKS_CLIENT_4_IP0, 0, 0, TO(SOCKS_CLIENT_4_IP1) },
	{ SOCKS_CLIENT_4_IP0, 1, 255, SKIP(SOCKS_CLIENT_4_IP_REST, 3) },
	{ SOCKS_CLIENT_4_IP1, 0, 0, TO(SOCKS_CLIENT_4_IP2) },
	{ SOCKS_CLIENT_4_IP1, 1, 255, SKIP(SOCKS_CLIENT_4_IP_REST, 2) },
	{ SOCKS_CLIENT_4_IP2, 0, 0, TO(SOCKS_CLIENT_4_IP3) },
	{ SOCKS_CLIENT_4_IP2, 1, 255, SKIP(SOCKS_CLIENT_4_IP_REST, 1) },
	{ SOCKS_CLIENT_4_IP3, 0, 0, TO(SOCKS_CLIENT_4_USER) },
	{ SOCKS_CLIENT_4_IP3, 1, 255, TO(SOCKS_CLIENT_4_USER_NAMED) },
	{ SOCKS_CLIENT_4_USER, 0, 0, TO(SOCKS_CLIENT_DONE) },
	{ SOCKS_CLIENT_4_USER, 1, 255, TO(ITSELF) },
	{ SOCKS_CLIENT_4_USER_NAMED, 0, 0, TO(SOCKS_CLIENT_4_NAME) },
	{ SOCKS_CLIENT_4_USER_NAMED, 1, 255, TO(ITSELF) },
	{ SOCKS_CLIENT_4_NAME, 0, 0, TO(SOCKS_CLIENT_DONE) },
	{ SOCKS_CLIENT_4_NAME, 1, 255, TO(ITSELF) },
};

static const struct rule server_rules[] = {
	{ SOCKS_SERVER_VERSION, 0, 0, TO(SOCKS_SERVER_4_REPLY) },
	{ SOCKS_SERVER_VERSION, 1, 4, SAY(SOCKS_SERVER_DONE, FOREIGN) },
	{ SOCKS_SERVER_VERSION, 5, 5, TO(SOCKS_SERVER_METHOD) },
	{ SOCKS_SERVER_VERSION, 6, 255, SAY(SOCKS_SERVER_DONE, FOREIGN) },
	{ SOCKS_SERVER_METHOD, 0, 0, SAY(SOCKS_SERVER_REPLY_VERSION, METHOD) },
	{ SOCKS_SERVER_METHOD, 1, 1, SAY(SOCKS_SERVER_DONE, METHOD) },
	{ SOCKS_SERVER_METHOD, 2, 2, SAY(SOCKS_SERVER_AUTH_VERSION, METHOD) },
	{ SOCKS_SERVER_METHOD, 3, 254, SAY(SOCKS_SERVER_REPLY_VERSION, METHOD) },
	{ SOCKS_SERVER_METHOD, 255, 255, SAY(SOCKS_SERVER_DONE, METHOD) },
	{ SOCKS_SERVER_AUTH_VERSION, 0, 255, TO(SOCKS_SERVER_AUTH_STATUS) },
	{ SOCKS_SERVER_AUTH_STATUS, 0, 0, TO(SOCKS_SERVER_REPLY_VERSION) },
	{ SOCKS_SERVER_AUTH_STATUS, 1, 255, SAY(SOCKS_SERVER_DONE, AUTH) },
	{ SOCKS_SERVER_REPLY_VERSION, 0, 4, SAY(SOCKS_SERVER_DONE, MALFORMED) },
	{ SOCKS_SERVER_REPLY_VERSION, 5, 5, TO(SOCKS_SERVER_REPLY) },
	{ SOCKS_SERVER_REPLY_VERSION, 6, 255, SAY(SOCKS_SERVER_DONE, MALFORMED) },
	{ SOCKS_SERVER_REPLY, 0, 255, SAY(SOCKS_SERVER_DONE, REPLY) },
	{ SOCKS_SERVER_4_REPLY, 0, 255, SAY(SOCKS_SERVER_DONE, REPLY4) },
};

static void check_rules(const struct rule *rules, size_t count, __u32 (*step)(__u32, __u32),
			int *covered)
{
	for (const struct rule *r = rules; r < rules + count; r++)
		for (int byte = r->first; byte <= r->last; byte++) {
			__u32 got = step((__u32)r->state, (__u32)byte);
			int next = r->next == ITSELF ? r->state : r->next;
			int skip = r->skip + (r->skip_byte ? byte : 0);

			covered[r->state]++;
			cr_assert(SOCKS_STEP_STATE(got) == (__u32)next &&
					  SOCKS_STEP_SKIP(got) == (__u32)skip &&
					  SOCKS_STEP_EVENT(got) == (__u32)r->event,
				  "state %d, byte %d: state %u, skip %u, event %u, not %d, %d, %d",
				  r->state, byte, SOCKS_STEP_STATE(got), SOCKS_STEP_SKIP(got),
				  SOCKS_STEP_EVENT(got), next, skip, r->event);
		}
}

/*
 * States that are left by passing over, not by a byte; a byte in one of them or in DONE ends the
 * dialogue.
 */
static int is_skipped(__u32 state)
{
	return socks_client_after(state) != SOCKS_CLIENT_DONE;
}

Test(socks_grammar, each_state_and_byte_of_the_client)
{
	int covered[256] = {};

	check_rules(client_rules, sizeof(client_rules) / sizeof(client_rules[0]), socks_client_next,
		    covered);
	for (__u32 state = 0; state < 256; state++) {
		int by_table = state < SOCKS_CLIENT_DONE && state != SOCKS_CLIENT_ADDRESS &&
			       !is_skipped(state);

		cr_assert_eq(covered[state], by_table ? 256 : 0,
			     "state %u has %d bytes in the table", state, covered[state]);
		for (__u32 byte = 0; byte < 256 && !by_table; byte++)
			cr_assert_eq(SOCKS_STEP_STATE(socks_client_next(state, byte)),
				     SOCKS_CLIENT_DONE);
	}
}

Test(socks_grammar, each_state_and_byte_of_the_server)
{
	int covered[256] = {};

	check_rules(server_rules, sizeof(server_rules) / sizeof(server_rules[0]), socks_server_next,
		    covered);
	for (__u32 state = 0; state < 256; state++) {
		cr_assert_eq(covered[state], state < SOCKS_SERVER_DONE ? 256 : 0);
		for (__u32 byte = 0; byte < 256 && state >= SOCKS_SERVER_DONE; byte++)
			cr_assert_eq(SOCKS_STEP_STATE(socks_server_next(state, byte)),
				     SOCKS_SERVER_DONE);
	}
}

Test(socks_grammar, skipped_fields_lead_on)
{
	static const struct {
		__u32 field, next;
	} AFTER[] = {
		{ SOCKS_CLIENT_METHODS, SOCKS_CLIENT_AUTH_OR_REQUEST },
		{ SOCKS_CLIENT_USER, SOCKS_CLIENT_PASSWORD_LENGTH },
		{ SOCKS_CLIENT_PASSWORD, SOCKS_CLIENT_REQUEST },
		{ SOCKS_CLIENT_ADDRESS, SOCKS_CLIENT_DONE },
		{ SOCKS_CLIENT_4_PORT, SOCKS_CLIENT_4_IP0 },
		{ SOCKS_CLIENT_4_IP_REST, SOCKS_CLIENT_4_USER },
	};

	for (size_t i = 0; i < sizeof(AFTER) / sizeof(AFTER[0]); i++)
		cr_assert_eq(socks_client_after(AFTER[i].field), AFTER[i].next, "after %u",
			     AFTER[i].field);
}

/*
 * Every path through the client's grammar: it reaches all states and no others, and only a
 * NUL-ended field keeps its state.
 */
static void walk(__u32 state, int *reached, int *on_path, int depth)
{
	cr_assert_leq(state, SOCKS_CLIENT_DONE, "state %u is outside of the enum", state);
	cr_assert(!on_path[state], "state %u is met again: a dialogue may never end", state);
	cr_assert_lt(depth, SOCKS_CLIENT_DONE + 1);
	if (reached[state]++)
		return;
	on_path[state] = 1;
	for (__u32 byte = 0; byte < 256 && state != SOCKS_CLIENT_DONE; byte++) {
		__u32 step = socks_client_next(state, byte), next = SOCKS_STEP_STATE(step);

		if (state == SOCKS_CLIENT_ADDRESS || is_skipped(state))
			break;
		cr_assert_leq(SOCKS_STEP_EVENT(step), EVENT_LAST);
		cr_assert_leq(SOCKS_STEP_SKIP(step), 255 + 2);
		cr_assert(!SOCKS_STEP_SKIP(step) || next == SOCKS_CLIENT_ADDRESS ||
				  is_skipped(next),
			  "state %u, byte %u: %u has nothing to pass over", state, byte, next);
		cr_assert(SOCKS_STEP_SKIP(step) ||
				  (next != SOCKS_CLIENT_ADDRESS && !is_skipped(next)),
			  "state %u, byte %u: %u would wait for ever", state, byte, next);
		if (next == state)
			cr_assert(byte && socks_client_scans(state));
		else if (!reached[next] || on_path[next])
			walk(next, reached, on_path, depth + 1);
	}
	if (state == SOCKS_CLIENT_ADDRESS || is_skipped(state))
		walk(socks_client_after(state), reached, on_path, depth + 1);
	on_path[state] = 0;
}

Test(socks_grammar, each_state_is_reached_and_none_beyond)
{
	int reached[256] = {}, on_path[256] = {}, server[256] = {};

	walk(SOCKS_CLIENT_VERSION, reached, on_path, 0);
	for (__u32 state = 0; state <= SOCKS_CLIENT_DONE; state++)
		cr_expect(reached[state], "client state %u is never reached", state);

	server[SOCKS_SERVER_VERSION] = 1;
	for (int round = 0; round < SOCKS_SERVER_DONE; round++)
		for (__u32 state = 0; state < SOCKS_SERVER_DONE; state++)
			for (__u32 byte = 0; byte < 256 && server[state]; byte++) {
				__u32 step = socks_server_next(state, byte);

				cr_assert_leq(SOCKS_STEP_STATE(step), SOCKS_SERVER_DONE);
				cr_assert_gt(SOCKS_STEP_STATE(step), state,
					     "the server's side goes only on");
				cr_assert_leq(SOCKS_STEP_EVENT(step), EVENT_LAST);
				cr_assert_eq(SOCKS_STEP_SKIP(step), 0);
				server[SOCKS_STEP_STATE(step)] = 1;
			}
	for (__u32 state = 0; state <= SOCKS_SERVER_DONE; state++)
		cr_expect(server[state], "server state %u is never reached", state);
}

/* Every way again: the command is known in exactly the states that come after its event. */
static void walk_commanded(__u32 state, int commanded, int (*seen)[2])
{
	if (seen[state][commanded]++ || state == SOCKS_CLIENT_DONE)
		return;
	cr_assert_eq(!!socks_client_commanded(state), commanded, "state %u", state);
	if (state == SOCKS_CLIENT_ADDRESS || is_skipped(state)) {
		walk_commanded(socks_client_after(state), commanded, seen);
		return;
	}
	for (__u32 byte = 0; byte < 256; byte++) {
		__u32 step = socks_client_next(state, byte);

		walk_commanded(SOCKS_STEP_STATE(step),
			       commanded || SOCKS_STEP_EVENT(step) == SOCKS_EVENT_COMMAND, seen);
	}
}

Test(socks_grammar, a_command_is_known_from_its_byte_on)
{
	int seen[256][2] = {};

	walk_commanded(SOCKS_CLIENT_VERSION, 0, seen);
	cr_assert_not(socks_client_commanded(SOCKS_CLIENT_DONE));
}

Test(socks_verdict, each_event_and_byte)
{
	static const int REPLIES[] = { ABI_FAILURE_GENERAL,
				       ABI_FAILURE_NOT_ALLOWED,
				       ABI_FAILURE_NETWORK_UNREACHABLE,
				       ABI_FAILURE_HOST_UNREACHABLE,
				       ABI_FAILURE_CONNECTION_REFUSED,
				       ABI_FAILURE_TTL_EXPIRED,
				       ABI_FAILURE_COMMAND_NOT_SUPPORTED,
				       ABI_FAILURE_ADDRESS_TYPE_NOT_SUPPORTED };

	for (__u32 event = 0; event < 256; event++)
		for (__u32 byte = 0; byte < 256; byte++) {
			__u32 want = SOCKS_VERDICT_NONE;
			int failure = -1;

			if (event == SOCKS_EVENT_METHOD && byte == 0xff)
				failure = ABI_FAILURE_NO_ACCEPTABLE_METHOD;
			else if (event == SOCKS_EVENT_AUTH)
				failure = ABI_FAILURE_AUTH_FAILED;
			else if (event == SOCKS_EVENT_MALFORMED)
				failure = ABI_FAILURE_PROTOCOL_ERROR;
			else if (event == SOCKS_EVENT_REPLY && byte)
				failure = byte <= 8 ? REPLIES[byte - 1] : ABI_FAILURE_OTHER;
			else if (event == SOCKS_EVENT_REPLY4 && byte != 90)
				failure = byte == 91		     ? ABI_FAILURE_GENERAL
					  : byte == 92 || byte == 93 ? ABI_FAILURE_AUTH_FAILED
								     : ABI_FAILURE_OTHER;
			else if (event == SOCKS_EVENT_REPLY || event == SOCKS_EVENT_REPLY4)
				want = SOCKS_VERDICT_SUCCESS;
			if (failure >= 0)
				want = SOCKS_VERDICT_FAILURE + (__u32)failure;
			cr_assert_eq(socks_verdict(event, byte), want, "event %u, byte %u: %u",
				     event, byte, socks_verdict(event, byte));
		}
}
