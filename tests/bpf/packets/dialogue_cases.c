// SPDX-License-Identifier: Apache-2.0
/* Every dialogue, on every path and in every segmentation: the counts must be the same. */
#include <string.h>

#include "script.h"

/* All ways × all scripts. */
static void each(struct kernel *kernel,
		 void (*deliver)(const struct script *, struct kernel *, const struct talk_way *))
{
	for (int way = 0; way < TALK_WAYS; way++)
		for (const struct script *script = scripts; script->name; script++)
			deliver(script, kernel, &talk_ways[way]);
}

static void deliver_whole(const struct script *script, struct kernel *kernel,
			  const struct talk_way *way)
{
	check_about("%s, %s", way->name, script->name);
	script_check(script, kernel, way, send_whole, 0, 0);
}

static void whole(struct kernel *kernel)
{
	each(kernel, deliver_whole);
}

static void deliver_split(const struct script *script, struct kernel *kernel,
			  const struct talk_way *way)
{
	for (size_t n = 1; n < script_longest(script); n++) {
		check_about("%s, %s, split at %zu", way->name, script->name, n);
		script_check(script, kernel, way, send_split, n, 0);
	}
}

static void split(struct kernel *kernel)
{
	each(kernel, deliver_split);
}

static void deliver_pieces(const struct script *script, struct kernel *kernel,
			   const struct talk_way *way)
{
	for (size_t n = 1; n < 6; n++) {
		check_about("%s, %s, segments of %zu", way->name, script->name, n);
		script_check(script, kernel, way, send_pieces, n, 0);
	}
}

static void pieces(struct kernel *kernel)
{
	each(kernel, deliver_pieces);
}

static void deliver_twice(const struct script *script, struct kernel *kernel,
			  const struct talk_way *way)
{
	for (size_t n = 0; n < script_longest(script); n++) {
		check_about("%s, %s, twice at %zu", way->name, script->name, n);
		script_check(script, kernel, way, send_twice, n, 0);
	}
}

static void retransmitted(struct kernel *kernel)
{
	each(kernel, deliver_twice);
}

static void deliver_overlapping(const struct script *script, struct kernel *kernel,
				const struct talk_way *way)
{
	for (size_t n = 1; n < 12; n += 3) {
		check_about("%s, %s, overlapping by %zu", way->name, script->name, n);
		script_check(script, kernel, way, send_overlapping, n, 0);
	}
}

static void overlapping(struct kernel *kernel)
{
	each(kernel, deliver_overlapping);
}

static void deliver_wrap(const struct script *script, struct kernel *kernel,
			 const struct talk_way *way)
{
	for (uint32_t n = 0; n <= script_total(script); n++) {
		check_about("%s, %s, 2^32 after %u", way->name, script->name, n);
		script_check(script, kernel, way, send_split, n % 7, n);
	}
}

static void wrap_around(struct kernel *kernel)
{
	for (int way = 0; way < 2; way++)
		for (const struct script *script = scripts; script->name; script++)
			deliver_wrap(script, kernel, &talk_ways[way]);
}

/* The client sends all its data at once, in segments of n, and then the server does. */
static void deliver_pipelined(const struct script *script, struct kernel *kernel,
			      const struct talk_way *way)
{
	char said[2][256];
	size_t length[2] = {};
	struct script once = *script;
	struct line *line = once.lines;

	if (script->in_order)
		return;
	for (; line->length; line++) {
		memcpy(said[line->side] + length[line->side], line->bytes, line->length);
		length[line->side] += line->length;
	}
	memset(once.lines, 0, sizeof(once.lines));
	once.lines[0] = (struct line){ CLIENT, length[CLIENT], said[CLIENT] };
	once.lines[1] = (struct line){ SERVER, length[SERVER], said[SERVER] };
	for (size_t n = 1; n <= script_longest(&once); n++) {
		check_about("%s, %s, pipelined, segments of %zu", way->name, script->name, n);
		script_check(&once, kernel, way, send_pieces, n, 0);
	}
}

static void pipelined(struct kernel *kernel)
{
	each(kernel, deliver_pipelined);
}

static void check_reply(struct kernel *kernel, const struct talk_way *way, int version, int code,
			int outcome)
{
	struct script script = { "reply", .command = ABI_COMMAND_CONNECT, .outcome = outcome,
				 .loss = NONE };
	char reply[10] = { version == 5 ? 5 : 0, (char)code, 0, 1 };

	memcpy(script.lines, scripts[0].lines, sizeof(script.lines));
	if (version == 4)
		script.lines[0] = (struct line){ CLIENT, 9, "\4\1\0\120\1\2\3\4" };
	script.lines[version == 5 ? 3 : 1] = (struct line){ SERVER, version == 5 ? 10 : 8, reply };
	if (version == 4)
		script.lines[2].length = 0;
	check_about("SOCKS%d, reply %d", version, code);
	script_check(&script, kernel, way, send_whole, 0, 0);
}

static void replies(struct kernel *kernel)
{
	for (int way = 0; way < TALK_WAYS; way++)
		for (int code = 0; code < 256; code++) {
			int failure5 =
				code > 8 ? ABI_FAILURE_OTHER : ABI_FAILURE_GENERAL + code - 1;
			int failure4 = code == 91		  ? ABI_FAILURE_GENERAL
				       : code == 92 || code == 93 ? ABI_FAILURE_AUTH_FAILED
								  : ABI_FAILURE_OTHER;

			check_reply(kernel, &talk_ways[way], 5, code, code ? failure5 : SUCCESS);
			check_reply(kernel, &talk_ways[way], 4, code,
				    code == 90 ? SUCCESS : failure4);
		}
}

static void commands(struct kernel *kernel)
{
	for (int version = 4; version <= 5; version++)
		for (int command = 0; command < 256; command++) {
			char request[] = { 5, 1, 0, 5, (char)command, 0, 1, 1, 2, 3, 4, 0, 80 };
			char request4[] = { 4, (char)command, 0, 80, 1, 2, 3, 4, 0 };
			struct talk talk;

			check_about("SOCKS%d, command %d", version, command);
			talk_begin(&talk, kernel, &talk_ways[command % TALK_WAYS]);
			talk_open(&talk);
			if (version == 5)
				talk_say(&talk, CLIENT, request, sizeof(request));
			else
				talk_say(&talk, CLIENT, request4, sizeof(request4));
			ABI_AT(__u64, talk.want.requests,
			       command >= 1 && command <= 3 ? command - 1 : ABI_COMMAND_UNKNOWN) =
				1;
			talk_check(&talk);
			talk_end(&talk);
		}
}

/* Fields of all lengths, all of the request in one segment and then in small ones. */
static void check_lengths(struct kernel *kernel, const char *request, size_t length)
{
	for (int small = 0; small < 2; small++) {
		struct talk talk;

		talk_begin(&talk, kernel, &talk_ways[length % TALK_WAYS]);
		talk_open(&talk);
		if (small)
			send_pieces(&talk, CLIENT, request, length, 1 + length % 40);
		else
			talk_say(&talk, CLIENT, request, length);
		talk.want.requests.connect = 1;
		talk_check(&talk);
		talk_end(&talk);
	}
}

static void socks4a_lengths(struct kernel *kernel)
{
	char request[600];

	for (size_t user = 0; user < 256; user += 51)
		for (size_t name = 0; name < 256; name++) {
			size_t length = 8;

			memcpy(request, "\4\1\0\120\0\0\0\1", 8);
			memset(request + length, 'u', user);
			length += user;
			request[length++] = 0;
			memset(request + length, 'n', name);
			length += name;
			request[length++] = 0;
			check_about("SOCKS4a, user of %zu, name of %zu", user, name);
			check_lengths(kernel, request, length);
		}
}

static void socks5_lengths(struct kernel *kernel)
{
	char request[1100];

	for (size_t n = 0; n < 256; n++) {
		size_t length = 0;

		request[length++] = 5;
		request[length++] = (char)n;
		memset(request + length, 2, n);
		length += n;
		request[length++] = 1;
		request[length++] = (char)n;
		memset(request + length, 1, n);
		length += n;
		request[length++] = (char)n;
		memset(request + length, 5, n);
		length += n;
		memcpy(request + length, "\5\1\0\3", 4);
		length += 4;
		request[length++] = (char)n;
		memset(request + length, 0, n + 2);
		length += n + 2;
		check_about("SOCKS5, fields of %zu", n);
		check_lengths(kernel, request, length);
	}
}

const struct test_case dialogue_cases[] = {
	{ "dialogue/whole", whole },
	{ "dialogue/split at each byte", split },
	{ "dialogue/small segments", pieces },
	{ "dialogue/retransmitted", retransmitted },
	{ "dialogue/overlapping", overlapping },
	{ "dialogue/sequence numbers wrap", wrap_around },
	{ "dialogue/pipelined", pipelined },
	{ "dialogue/each reply", replies },
	{ "dialogue/each command", commands },
	{ "dialogue/SOCKS4a lengths", socks4a_lengths },
	{ "dialogue/SOCKS5 lengths", socks5_lengths },
	{ NULL },
};
