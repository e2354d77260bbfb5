// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "talk.h"

#define CLIENT_HOST 1
#define SERVER_HOST 2

const struct talk_way talk_ways[] = {
	{ { 4, 14, 0, 0 }, false, "IPv4" },
	{ { 6, 14, 0, 3 }, false, "IPv6" },
	{ { 4, 0, 0, 3 }, false, "IPv4 without L2" },
	{ { 6, 0, 0, 0 }, false, "IPv6 without L2" },
	{ { 4, 14, 0, 3 }, true, "IPv4 on lo" },
	{ { 6, 14, 0, 0 }, true, "IPv6 on lo" },
	{ { 4, 14, 2, 3 }, false, "IPv4 with options" },
	{ { 6, 14, 2, 3 }, false, "IPv6 with extension headers" },
};

uint64_t talk_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ABI_S((uint64_t)now.tv_sec) + (uint64_t)now.tv_nsec;
}

static struct session_key key_of(const struct talk *talk)
{
	struct session_key key = { .client_port = talk->client_port,
				   .server_port = talk->server_port,
				   .generation = GENERATION };

	frame_address(key.client, talk->way.shape.version, talk->client_host);
	frame_address(key.server, talk->way.shape.version, SERVER_HOST);
	return key;
}

static const struct client_table no_clients;

void talk_begin(struct talk *talk, struct kernel *kernel, const struct talk_way *way)
{
	static uint16_t port = 20000;
	static uint64_t socket = 0xffff888000000000;

	port = (uint16_t)(port < 60000 ? port + 1 : 20000);
	socket += 64;
	*talk = (struct talk){ .kernel = kernel,
			       .way = *way,
			       .client_port = port,
			       .server_port = PORT,
			       .client_host = CLIENT_HOST,
			       .isn = { 0x10000000, 0x20000000 },
			       .socket = socket };
	memset(kernel->counters, 0, sizeof(*kernel->counters));
	kernel_clients_set(kernel, &no_clients);
}

void talk_open(struct talk *talk)
{
	struct session session = { .socket = talk->socket, .opened_ns = talk_now() };

	session.dialogue.client.isn = talk->isn[CLIENT];
	session.dialogue.server.isn = talk->isn[SERVER];
	talk_session_set(talk, &session);
	talk->opened = true;
}

void talk_end(struct talk *talk)
{
	struct session_key key = key_of(talk);

	check(bpf_map_delete_elem(talk->kernel->sessions, &key) == 0 || !talk->opened,
	      "the session is gone");
	bpf_map_delete_elem(talk->kernel->early, &key);
}

bool talk_session(struct talk *talk, struct session *session)
{
	struct session_key key = key_of(talk);

	return bpf_map_lookup_elem(talk->kernel->sessions, &key, session) == 0;
}

void talk_session_set(struct talk *talk, const struct session *session)
{
	struct session_key key = key_of(talk);

	check(bpf_map_update_elem(talk->kernel->sessions, &key, session, BPF_ANY) == 0, "%s",
	      strerror(errno));
}

bool talk_early(struct talk *talk, struct early_dialogue *early)
{
	struct session_key key = key_of(talk);

	return bpf_map_lookup_elem(talk->kernel->early, &key, early) == 0;
}

void talk_early_set(struct talk *talk, const struct early_dialogue *early)
{
	struct session_key key = key_of(talk);

	check(bpf_map_update_elem(talk->kernel->early, &key, early, BPF_ANY) == 0, "%s",
	      strerror(errno));
}

void talk_frame(struct talk *talk, struct frame *frame, enum talk_side side, uint32_t offset,
		const void *bytes, size_t length, uint8_t flags)
{
	bool client = side == CLIENT;

	frame_begin(frame, &talk->way.shape, client ? talk->client_host : SERVER_HOST,
		    client ? SERVER_HOST : talk->client_host, IPPROTO_TCP);
	frame_tcp(frame, talk->way.shape.tcp_options,
		  client ? talk->client_port : talk->server_port,
		  client ? talk->server_port : talk->client_port, talk->isn[side] + offset,
		  (uint8_t)(FRAME_TCP_ACK | flags));
	frame_payload(frame, bytes, length);
	frame_end(frame);
}

void talk_send(struct talk *talk, enum talk_side side, const struct frame *frame)
{
	enum kernel_hook hook = side == CLIENT ? HOOK_INGRESS : HOOK_EGRESS;

	check(kernel_run(talk->kernel, talk->way.loopback ? HOOK_LOOPBACK : hook, frame, 0, 0),
	      "the packet did not run: %s", strerror(errno));
}

void talk_segment(struct talk *talk, enum talk_side side, uint32_t offset, const void *bytes,
		  size_t length, uint8_t flags)
{
	struct frame frame;

	talk_frame(talk, &frame, side, offset, bytes, length, flags);
	talk_send(talk, side, &frame);
}

void talk_say(struct talk *talk, enum talk_side side, const void *bytes, size_t length)
{
	talk_segment(talk, side, talk->said[side], bytes, length, 0);
	talk->said[side] += (uint32_t)length;
}

static uint64_t histogram_count(const struct abi_histogram *histogram)
{
	uint64_t count = 0;

	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		count += histogram->buckets[i];
	return count;
}

/* All of struct proxy_counters before its histograms is one row of 64-bit numbers. */
#define COUNTERS (offsetof(struct proxy_counters, request_duration) / sizeof(uint64_t))
#define PLACE(field) (offsetof(struct proxy_counters, field) / sizeof(uint64_t))

static const char *counter_name(size_t i, size_t *index)
{
	static const struct {
		size_t offset;
		const char *name;
	} names[] = {
		{ PLACE(losses), "losses" },
		{ PLACE(retransmits), "retransmits" },
		{ PLACE(upstream_connects), "upstream" },
		{ PLACE(failures), "failures" },
		{ PLACE(successes), "successes" },
		{ PLACE(requests), "requests" },
	};

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (i >= names[n].offset) {
			*index = i - names[n].offset;
			return names[n].name;
		}
	*index = i;
	return "client";
}

/* All requests of a talk are its client's. */
static void clients_check(const struct talk *talk)
{
	struct client_table table = kernel_clients_of(talk->kernel);
	uint64_t requests = 0;

	for (int i = 0; i < ABI_COMMAND_MAX; i++)
		requests += ABI_AT(__u64, talk->kernel->counters->requests, i);
	check(table.used == (requests != 0) && table.clients[0].requests == requests,
	      "%llu requests by %u clients", (unsigned long long)table.clients[0].requests,
	      table.used);
}

void talk_check(struct talk *talk)
{
	struct proxy_counters *got = talk->kernel->counters;
	uint64_t failures = 0;

	for (size_t i = 0; i < COUNTERS; i++) {
		unsigned long long is = ((uint64_t *)got)[i], want = ((uint64_t *)&talk->want)[i];
		size_t index;
		const char *name = counter_name(i, &index);

		check(is == want, "%s[%zu] is %llu, not %llu", name, index, is, want);
	}
	for (int i = 0; i < ABI_FAILURE_MAX; i++)
		failures += ABI_AT(__u64, got->failures, i);
	check(histogram_count(&got->request_duration.success) == got->successes &&
		      histogram_count(&got->request_duration.failure) == failures,
	      "the histograms hold another number of outcomes");
	clients_check(talk);
	check(!histogram_count(&got->connection_duration) &&
		      !histogram_count(&got->upstream_connect_duration),
	      "a packet was taken for a connection");
}
