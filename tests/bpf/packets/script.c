// SPDX-License-Identifier: Apache-2.0
#include "script.h"

/* sizeof, since the texts hold NULs. */
#define SAYS(side, text)                        \
	{                                       \
		side, sizeof(text) - 1, "" text \
	}
#define C(text) SAYS(CLIENT, text)
#define S(text) SAYS(SERVER, text)

#define REQUEST4 "\5\1\0\1\300\0\2\1\0\120"
#define REPLY(code) "\5" code "\0\1\0\0\0\0\0\0"
#define LOGIN "\1\4user\6secret"

const struct script scripts[] = {
	{ "socks5",
	  { C("\5\1\0"), S("\5\0"), C(REQUEST4), S(REPLY("\0")) },
	  ABI_COMMAND_CONNECT,
	  SUCCESS,
	  NONE },
	{ "socks5 refused",
	  { C("\5\1\0"), S("\5\0"), C(REQUEST4), S(REPLY("\5")) },
	  ABI_COMMAND_CONNECT,
	  ABI_FAILURE_CONNECTION_REFUSED,
	  NONE },
	{ "socks5 IPv6",
	  { C("\5\3\0\1\2"), S("\5\0"), C("\5\1\0\4\5\5\5\5\5\5\5\5\1\1\1\1\1\1\1\1\1\273"),
	    S(REPLY("\0")) },
	  ABI_COMMAND_CONNECT,
	  SUCCESS,
	  NONE },
	{ "socks5 name",
	  { C("\5\2\0\2"), S("\5\0"), C("\5\1\0\3\13example.org\1\273"), S(REPLY("\4")) },
	  ABI_COMMAND_CONNECT,
	  ABI_FAILURE_HOST_UNREACHABLE,
	  NONE },
	{ "socks5 password",
	  { C("\5\2\0\2"), S("\5\2"), C(LOGIN), S("\1\0"), C(REQUEST4), S(REPLY("\0")) },
	  ABI_COMMAND_CONNECT,
	  SUCCESS,
	  NONE },
	{ "socks5 empty password",
	  { C("\5\1\2"), S("\5\2"), C("\1\0\0"), S("\5\0"), C(REQUEST4), S(REPLY("\2")) },
	  ABI_COMMAND_CONNECT,
	  ABI_FAILURE_NOT_ALLOWED,
	  NONE },
	{ "socks5 wrong password",
	  { C("\5\1\2"), S("\5\2"), C(LOGIN), S("\1\1") },
	  NONE,
	  ABI_FAILURE_AUTH_FAILED,
	  NONE },
	{ "socks5 no method",
	  { C("\5\1\0"), S("\5\377") },
	  NONE,
	  ABI_FAILURE_NO_ACCEPTABLE_METHOD,
	  NONE },
	{ "socks5 bind",
	  { C("\5\1\0"), S("\5\0"), C("\5\2\0\1\0\0\0\0\0\0"), S(REPLY("\0")), S(REPLY("\1")) },
	  ABI_COMMAND_BIND,
	  SUCCESS,
	  NONE },
	{ "socks5 udp associate",
	  { C("\5\1\0"), S("\5\0"), C("\5\3\0\1\0\0\0\0\0\0"), S(REPLY("\0")) },
	  ABI_COMMAND_UDP_ASSOCIATE,
	  SUCCESS,
	  NONE },
	{ "socks5 unknown command",
	  { C("\5\1\0"), S("\5\0"), C("\5\11\0\1\0\0\0\0\0\0"), S(REPLY("\7")) },
	  ABI_COMMAND_UNKNOWN,
	  ABI_FAILURE_COMMAND_NOT_SUPPORTED,
	  NONE },
	{ "socks5 unknown address type",
	  { C("\5\1\0"), S("\5\0"), C("\5\1\0\2\0\0\0\0\0\0"), S(REPLY("\10")) },
	  ABI_COMMAND_CONNECT,
	  ABI_FAILURE_ADDRESS_TYPE_NOT_SUPPORTED,
	  NONE },
	{ "socks5 with data",
	  { C("\5\1\0"), S("\5\0"), C(REQUEST4 "\5\1\0\5\1\0\1 and data"),
	    S(REPLY("\0") "\5\1\5\1 and data"), C("\5\1\0\4"), S("\5\377\0\133") },
	  ABI_COMMAND_CONNECT,
	  SUCCESS,
	  NONE },
	{ "socks5 malformed reply",
	  { C("\5\1\0"), S("\5\0"), C(REQUEST4), S("HTTP/1.1 200") },
	  ABI_COMMAND_CONNECT,
	  ABI_FAILURE_PROTOCOL_ERROR,
	  NONE },
	{ "socks5 malformed request",
	  { C("\5\1\0"), S("\5\0"), C("GET / HTTP/1.0\r\n\r\n") },
	  NONE,
	  NONE,
	  NONE,
	  .unsettled = true },
	{ "gssapi",
	  { C("\5\1\1"), S("\5\1"), C("\1\1\0\4abcd"), S("\1\1\0\4efgh"), C("\5\1\0\1"),
	    S("\5\0") },
	  NONE,
	  NONE,
	  ABI_LOSS_PARSE,
	  .in_order = true },
	{ "socks4",
	  { C("\4\1\0\120\300\0\2\1user\0"), S("\0\132\0\0\0\0\0\0") },
	  ABI_COMMAND_CONNECT,
	  SUCCESS,
	  NONE },
	{ "socks4 bind",
	  { C("\4\2\0\120\0\1\0\1\0"), S("\0\132\0\0\0\0\0\0"), S("\0\133\0\0\0\0\0\0") },
	  ABI_COMMAND_BIND,
	  SUCCESS,
	  NONE },
	{ "socks4 rejected",
	  { C("\4\1\0\120\177\0\0\1\0"), S("\0\133\0\0\0\0\0\0") },
	  ABI_COMMAND_CONNECT,
	  ABI_FAILURE_GENERAL,
	  NONE },
	{ "socks4a",
	  { C("\4\1\0\120\0\0\0\1user\0example.org\0\4\1\0"), S("\0\132\0\0\0\0\0\0\0\133") },
	  ABI_COMMAND_CONNECT,
	  SUCCESS,
	  NONE },
	{ "socks4a empty",
	  { C("\4\1\0\120\0\0\0\377\0\0"), S("\0\134") },
	  ABI_COMMAND_CONNECT,
	  ABI_FAILURE_AUTH_FAILED,
	  NONE },
	{ "http",
	  { C("CONNECT example.org:443 HTTP/1.1\r\n\r\n"), S("HTTP/1.1 400\r\n\r\n") },
	  NONE,
	  NONE,
	  NONE },
	{ "tls", { C("\26\3\1\2\0\1\0\1\374\3\3"), S("\25\3\1\0\2\2\106") }, NONE, NONE, NONE },
	{ NULL },
};

void script_play(const struct script *script, struct talk *talk, script_send *send, size_t n)
{
	for (const struct line *line = script->lines; line->length; line++) {
		send(talk, line->side, line->bytes, line->length, n);
		talk->said[line->side] += (uint32_t)line->length;
	}
	if (script->command != NONE)
		ABI_AT(__u64, talk->want.requests, script->command)++;
	if (script->outcome == SUCCESS)
		talk->want.successes++;
	else if (script->outcome != NONE)
		ABI_AT(__u64, talk->want.failures, script->outcome)++;
	if (script->loss != NONE)
		ABI_AT(__u64, talk->want.losses, script->loss)++;
}

void script_check(const struct script *script, struct kernel *kernel, const struct talk_way *way,
		  script_send *send, size_t n, uint32_t wrap)
{
	struct session session;
	struct talk talk;

	talk_begin(&talk, kernel, way);
	if (wrap)
		talk.isn[CLIENT] = talk.isn[SERVER] = 0 - wrap;
	talk_open(&talk);
	script_play(script, &talk, send, n);
	talk_check(&talk);
	if (check(talk_session(&talk, &session), "no session")) {
		const struct dialogue *d = &session.dialogue;

		check(session.socket == talk.socket && session.closer == SESSION_OPEN,
		      "the session was overwritten");
		check(d->client.isn == talk.isn[CLIENT] && d->server.isn == talk.isn[SERVER],
		      "ISNs have changed");
		check(d->client.flags & DIALOGUE_DONE || script->command == NONE,
		      "the client's side is not done");
		check(d->server.flags & DIALOGUE_DONE || script->unsettled,
		      "the server's side is not done");
		check(d->settled == (script->outcome != NONE), "settled is %u", d->settled);
		check(d->requested == (script->command != NONE), "requested is %u", d->requested);
		check(!d->pending && !d->reply_end, "a reply waits");
		check(d->client.next <= talk.said[CLIENT] && d->server.next <= talk.said[SERVER],
		      "read too much");
	}
	talk_end(&talk);
}

size_t script_longest(const struct script *script)
{
	size_t longest = 0;

	for (const struct line *line = script->lines; line->length; line++)
		if (line->length > longest)
			longest = line->length;
	return longest;
}

size_t script_total(const struct script *script)
{
	size_t total = 0;

	for (const struct line *line = script->lines; line->length; line++)
		total += line->length;
	return total;
}

void send_whole(struct talk *talk, enum talk_side side, const char *bytes, size_t length, size_t n)
{
	talk_segment(talk, side, talk->said[side], bytes, length, 0);
}

void send_split(struct talk *talk, enum talk_side side, const char *bytes, size_t length, size_t n)
{
	if (n >= length)
		n = 0;
	if (n)
		talk_segment(talk, side, talk->said[side], bytes, n, 0);
	talk_segment(talk, side, talk->said[side] + (uint32_t)n, bytes + n, length - n, 0);
}

void send_pieces(struct talk *talk, enum talk_side side, const char *bytes, size_t length, size_t n)
{
	for (size_t at = 0; at < length; at += n)
		talk_segment(talk, side, talk->said[side] + (uint32_t)at, bytes + at,
			     n < length - at ? n : length - at, 0);
}

/* Split in two, each part again after it, and all of it once more. */
void send_twice(struct talk *talk, enum talk_side side, const char *bytes, size_t length, size_t n)
{
	uint32_t at = talk->said[side];

	if (n >= length)
		n = length - 1;
	for (int i = 0; i < 2 && n; i++)
		talk_segment(talk, side, at, bytes, n, 0);
	for (int i = 0; i < 2; i++)
		talk_segment(talk, side, at + (uint32_t)n, bytes + n, length - n, 0);
	talk_segment(talk, side, at, bytes, length, 0);
}

/* Byte after byte, each with the n before it. */
void send_overlapping(struct talk *talk, enum talk_side side, const char *bytes, size_t length,
		      size_t n)
{
	for (size_t end = 1; end <= length; end++) {
		size_t begin = end > n + 1 ? end - n - 1 : 0;

		talk_segment(talk, side, talk->said[side] + (uint32_t)begin, bytes + begin,
			     end - begin, 0);
	}
}
