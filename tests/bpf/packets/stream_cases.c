// SPDX-License-Identifier: Apache-2.0
/* TCP with losses, flags, and ports and sessions that are not watched. */
#include <string.h>

#include "talk.h"

#define GREETING "\5\1\0"
#define REQUEST "\5\1\0\1\300\0\2\1\0\120"
#define OK "\5\0\0\1\0\0\0\0\0\0"

/* The server sends in order; what left its host otherwise cannot be read. */
static void server_out_of_order(struct kernel *kernel)
{
	struct session session;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	TALK(&talk, CLIENT, GREETING REQUEST);
	talk_segment(&talk, SERVER, 2, OK, 10, 0);
	talk_segment(&talk, SERVER, 0, "\5\0", 2, 0);
	talk_segment(&talk, SERVER, 0, "\5\0" OK, 12, 0);
	talk.want.requests.connect = 1;
	talk.want.losses.out_of_order = 1;
	talk_check(&talk);
	check(talk_session(&talk, &session) &&
		      session.dialogue.server.flags == (DIALOGUE_DONE | DIALOGUE_LOST) &&
		      !session.dialogue.settled,
	      "the session says otherwise");
	talk_end(&talk);
}

/* Keepalives and retransmissions reach back, also before the first byte. */
static void old_bytes(struct kernel *kernel)
{
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	talk_segment(&talk, CLIENT, 0u - 1, "x", 1, 0);
	talk_segment(&talk, CLIENT, 0u - 1, "", 0, 0);
	talk_segment(&talk, CLIENT, 0u - 3, "xxx" GREETING, 6, 0);
	talk_segment(&talk, CLIENT, 2, "\0", 1, 0);
	talk_segment(&talk, SERVER, 0u - 2, "xx\5\0", 4, 0);
	talk_segment(&talk, CLIENT, 1, "\1\0" REQUEST, 12, 0);
	talk.want.requests.connect = 1;
	talk_check(&talk);
	talk_segment(&talk, SERVER, 1, "\0" OK, 11, 0);
	talk_segment(&talk, SERVER, 1, "\0" OK, 11, 0);
	talk_segment(&talk, CLIENT, 12, "x", 1, 0);
	talk.want.successes = 1;
	talk_check(&talk);
	talk_end(&talk);
}

/* SYN and RST with bytes say nothing; FIN and PSH with bytes do; no bytes do not. */
static void flags(struct kernel *kernel)
{
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[1]);
	talk_open(&talk);
	talk_segment(&talk, CLIENT, 0, GREETING, 3, FRAME_TCP_SYN);
	talk_segment(&talk, CLIENT, 0, "HTTP", 4, FRAME_TCP_RST);
	talk_segment(&talk, CLIENT, 99, "", 0, 0);
	talk_segment(&talk, CLIENT, 99, "", 0, FRAME_TCP_FIN);
	talk_check(&talk);
	talk_segment(&talk, CLIENT, 0, GREETING, 3, 0x08);
	TALK(&talk, SERVER, "\5\0");
	talk_segment(&talk, CLIENT, 3, REQUEST, 10, FRAME_TCP_FIN);
	talk.want.requests.connect = 1;
	talk_check(&talk);
	talk_segment(&talk, SERVER, 2, OK, 10, FRAME_TCP_FIN);
	talk.want.successes = 1;
	talk_check(&talk);
	talk_end(&talk);
}

static void speak(struct kernel *kernel, uint16_t port, bool heard)
{
	for (int way = 0; way < TALK_WAYS; way++) {
		struct talk talk;

		check_about("port %u, %s", port, talk_ways[way].name);
		talk_begin(&talk, kernel, &talk_ways[way]);
		talk.server_port = port;
		talk_open(&talk);
		TALK(&talk, CLIENT, GREETING REQUEST);
		TALK(&talk, SERVER, "\5\0" OK);
		talk.want.requests.connect = heard;
		talk.want.successes = heard;
		talk_check(&talk);
		talk_end(&talk);
	}
}

static void ports(struct kernel *kernel)
{
	static const uint16_t all[ABI_PORTS_MAX] = { 1080, 1, 65535, 1081, 9050, 80, 443, 3128 };
	static const uint16_t cut[] = { 1080, 0, 1081 };

	kernel_listen(kernel, all, ABI_PORTS_MAX);
	for (int i = 0; i < ABI_PORTS_MAX; i++)
		speak(kernel, all[i], true);
	speak(kernel, 1082, false);
	speak(kernel, 0, false);
	kernel_listen(kernel, cut, 3);
	speak(kernel, 1080, true);
	speak(kernel, 1081, false);
	speak(kernel, 0, false);
	kernel_listen(kernel, cut, 0);
	speak(kernel, 1080, false);
}

/*
 * The same addresses and ports as a session, by programs and slots that have nothing to do with it.
 */
static void others(struct kernel *kernel)
{
	struct frame client, server;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	talk_frame(&talk, &client, CLIENT, 0, GREETING REQUEST, 13, 0);
	talk_frame(&talk, &server, SERVER, 0, "\5\0" OK, 12, 0);
	kernel_run(kernel, HOOK_INGRESS, &server, 0, 0);
	kernel_run(kernel, HOOK_EGRESS, &client, 0, 0);
	kernel_run(kernel, HOOK_INGRESS, &client, 1, 0);
	kernel_run(kernel, HOOK_INGRESS, &client, 0xffff, 0);
	kernel_run(kernel, HOOK_LOOPBACK, &server, 7, 0);
	client.bytes[client.network + 9] = 17;
	talk_send(&talk, CLIENT, &client);
	client.bytes[client.network + 9] = 6;
	frame_put16(&client, 12, 0x0806);
	kernel_run(kernel, HOOK_INGRESS, &client, 0, 0);
	talk_check(&talk);
	frame_put16(&client, 12, 0x0800);
	talk_send(&talk, CLIENT, &client);
	talk.want.requests.connect = 1;
	talk_check(&talk);
	talk_end(&talk);
}

/* A slot with a new proxy: the session of the former proxy is not found. */
static void generations(struct kernel *kernel)
{
	struct session session;
	struct early_dialogue early;
	struct talk talk;

	talk_begin(&talk, kernel, &talk_ways[0]);
	talk_open(&talk);
	{
		struct proxy proxy = { .generation = GENERATION + 1, .ports = { PORT } };

		kernel_set_proxy(kernel, &proxy);
	}
	TALK(&talk, CLIENT, GREETING REQUEST);
	TALK(&talk, SERVER, "\5\0" OK);
	talk_check(&talk);
	check(talk_session(&talk, &session) && !session.dialogue.client.next &&
		      !talk_early(&talk, &early),
	      "a session of the former tenant was touched");
	talk_end(&talk);
}

/* Both ends on one host: on lo the client's port may be a listener's as well. */
static void port_to_itself(struct kernel *kernel)
{
	static const uint16_t two[] = { 1080, 1081 };
	struct talk talk;

	kernel_listen(kernel, two, 2);
	talk_begin(&talk, kernel, &talk_ways[4]);
	talk.client_port = 1081;
	talk_open(&talk);
	TALK(&talk, CLIENT, GREETING REQUEST);
	talk.want.requests.connect = 1;
	talk_check(&talk);
	talk_end(&talk);
}

const struct test_case stream_cases[] = {
	{ "stream/server out of order", server_out_of_order },
	{ "stream/old bytes", old_bytes },
	{ "stream/flags", flags },
	{ "stream/ports", ports },
	{ "stream/others", others },
	{ "stream/generations", generations },
	{ "stream/a client on a listener's port", port_to_itself },
	{ NULL },
};
