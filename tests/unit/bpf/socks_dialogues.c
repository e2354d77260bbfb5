// SPDX-License-Identifier: Apache-2.0
/*
 * Whole requests, of every length of every field: read byte by byte, each ends at its last byte and
 * not before.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <wgsocks/abi.h>
#include "bpf/parse/socks.h"

struct text {
	size_t length;
	unsigned char bytes[1024];
};

static void put(struct text *t, int byte)
{
	cr_assert_lt(t->length, sizeof(t->bytes));
	t->bytes[t->length++] = (unsigned char)byte;
}

static void put_many(struct text *t, int byte, int count)
{
	for (int i = 0; i < count; i++)
		put(t, byte);
}

/*
 * Reads all and must then be done; until the last byte it must not be. Returns the command byte,
 * and counts how often it was said.
 */
static void check_request(const struct text *t, int command)
{
	__u32 state = SOCKS_CLIENT_VERSION, skip = 0;
	int commands = 0;

	for (size_t i = 0; i < t->length; i++) {
		cr_assert_neq(state, SOCKS_CLIENT_DONE, "done after %zu of %zu bytes", i,
			      t->length);
		if (skip) {
			if (!--skip)
				state = socks_client_after(state);
			continue;
		}
		state = socks_client_next(state, t->bytes[i]);
		if (SOCKS_STEP_EVENT(state)) {
			cr_assert_eq(SOCKS_STEP_EVENT(state), SOCKS_EVENT_COMMAND,
				     "event %u at byte %zu", SOCKS_STEP_EVENT(state), i);
			cr_assert_eq(t->bytes[i], command);
			commands++;
		}
		skip = SOCKS_STEP_SKIP(state);
		state = SOCKS_STEP_STATE(state);
	}
	cr_assert_eq(state, SOCKS_CLIENT_DONE, "in state %u after all %zu bytes", state, t->length);
	cr_assert_eq(skip, 0);
	cr_assert_eq(commands, 1);
}

static void put_greeting(struct text *t, int methods)
{
	put(t, 5);
	put(t, methods);
	put_many(t, 5, methods); /* 5 and 1 below: what begins a request or an authentication must
				    not end a field */
}

static void put_password(struct text *t, int user, int password)
{
	put(t, 1);
	put(t, user);
	put_many(t, 1, user);
	put(t, password);
	put_many(t, 5, password);
}

/* type 1, 4, or 3 with a name of `length`. */
static void put_request(struct text *t, int command, int type, int length)
{
	put(t, 5);
	put(t, command);
	put(t, 0);
	put(t, type);
	if (type == 3)
		put(t, length);
	put_many(t, 0, type == 1 ? 4 : type == 4 ? 16 : length);
	put_many(t, 0, 2);
}

Test(socks_dialogues, socks5)
{
	static const int TYPES[] = { 1, 3, 4 };

	for (int command = 0; command < 256; command++)
		for (int type = 0; type < 3; type++)
			for (int auth = 0; auth < 2; auth++) {
				struct text t = {};

				put_greeting(&t, 2);
				if (auth)
					put_password(&t, 3, 4);
				put_request(&t, command, TYPES[type], 11);
				check_request(&t, command);
			}
	for (int length = 0; length < 256; length++) {
		struct text methods = {}, user = {}, password = {}, name = {};

		put_greeting(&methods, length);
		put_request(&methods, 1, 1, 0);
		check_request(&methods, 1);
		put_greeting(&user, 1);
		put_password(&user, length, 1);
		put_request(&user, 2, 4, 0);
		check_request(&user, 2);
		put_greeting(&password, 1);
		put_password(&password, 0, length);
		put_request(&password, 3, 4, 0);
		check_request(&password, 3);
		put_greeting(&name, 1);
		put_request(&name, 1, 3, length);
		check_request(&name, 1);
	}
}

static void put_socks4(struct text *t, int command, const unsigned char *ip, int user)
{
	put(t, 4);
	put(t, command);
	put(t, 0);
	put(t, 0);
	for (int i = 0; i < 4; i++)
		put(t, ip[i]);
	put_many(t, 'u', user);
	put(t, 0);
}

/* All addresses that begin with zeros; only 0.0.0.x with x not 0 is followed by a name. */
Test(socks_dialogues, socks4)
{
	static const unsigned char PARTS[] = { 0, 1, 127, 255 };

	for (int i = 0; i < 256; i++) {
		const unsigned char ip[] = { PARTS[i & 3], PARTS[i >> 2 & 3], PARTS[i >> 4 & 3],
					     PARTS[i >> 6] };
		int named = !ip[0] && !ip[1] && !ip[2] && ip[3];

		for (int user = 0; user < 3; user++) {
			struct text t = {};

			put_socks4(&t, i, ip, user);
			if (named) {
				put_many(&t, 'n', i % 5);
				put(&t, 0);
			}
			check_request(&t, i);
		}
	}
}

Test(socks_dialogues, socks4a_names)
{
	static const unsigned char NAMED[] = { 0, 0, 0, 1 };

	for (int length = 0; length < 256; length++) {
		struct text t = {};

		put_socks4(&t, 1, NAMED, 255 - length);
		put_many(&t, 'n', length);
		put(&t, 0);
		check_request(&t, 1);
	}
}

Test(socks_dialogues, servers)
{
	static const struct {
		const char *bytes;
		size_t length, last; /* the byte that decides */
		__u32 verdict;
	} CASES[] = {
		{ "\5\0\5\0\0\1\0\0\0\0\0\0", 12, 3, SOCKS_VERDICT_SUCCESS },
		{ "\5\2\1\0\5\0\0\1\0\0\0\0\0\0", 14, 5, SOCKS_VERDICT_SUCCESS },
		{ "\5\2\1\1", 4, 3, SOCKS_VERDICT_FAILURE + ABI_FAILURE_AUTH_FAILED },
		{ "\5\377", 2, 1, SOCKS_VERDICT_FAILURE + ABI_FAILURE_NO_ACCEPTABLE_METHOD },
		{ "\5\1\1\1", 4, 1, SOCKS_VERDICT_NONE },
		{ "\5\0\5\5", 4, 3, SOCKS_VERDICT_FAILURE + ABI_FAILURE_CONNECTION_REFUSED },
		{ "\5\0HTTP", 6, 2, SOCKS_VERDICT_FAILURE + ABI_FAILURE_PROTOCOL_ERROR },
		{ "\0\132\0\0\0\0\0\0", 8, 1, SOCKS_VERDICT_SUCCESS },
		{ "\0\133\0\0\0\0\0\0", 8, 1, SOCKS_VERDICT_FAILURE + ABI_FAILURE_GENERAL },
		{ "HTTP/1.1", 8, 0, SOCKS_VERDICT_NONE },
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		__u32 state = SOCKS_SERVER_VERSION, verdict = SOCKS_VERDICT_NONE;
		size_t at = 0;

		for (; at < CASES[i].length && state != SOCKS_SERVER_DONE; at++) {
			__u32 step = socks_server_next(state, (unsigned char)CASES[i].bytes[at]);

			state = SOCKS_STEP_STATE(step);
			if (SOCKS_STEP_EVENT(step))
				verdict = socks_verdict(SOCKS_STEP_EVENT(step),
							(unsigned char)CASES[i].bytes[at]);
		}
		cr_expect_eq(state, SOCKS_SERVER_DONE, "case %zu", i);
		cr_expect_eq(at - 1, CASES[i].last, "case %zu: decided by byte %zu", i, at - 1);
		cr_expect_eq(verdict, CASES[i].verdict, "case %zu: %u", i, verdict);
	}
}
