// SPDX-License-Identifier: Apache-2.0
/* WireGuard's handshake messages in datagrams, alone and merged. */
#include <netinet/in.h>
#include <string.h>

#include "cases.h"
#include "frame.h"
#include "kernel.h"

#define INITIATION 148
#define RESPONSE 92
#define DATA 160
#define DEVICE_PORT 40001 /* of the tunnel with index 1 */

static const struct frame_shape shapes[] = {
	{ .version = 4, .l2 = 14 },
	{ .version = 6, .l2 = 14 },
	{ .version = 4, .l2 = 14, .options = 2 },
	{ .version = 6, .l2 = 14, .options = 1 },
	{ .version = 4 },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/*
 * A message of this size: an initiation, a response or data, with an index that tells it from
 * others.
 */
static void message_put(uint8_t *to, size_t size, uint8_t index)
{
	memset(to, 0xa5, size);
	memset(to, 0, 12);
	to[0] = size == INITIATION ? 1 : size == RESPONSE ? 2 : 4;
	to[4] = to[8] = index;
}

static void pass(struct kernel *kernel, const struct frame_shape *shape, enum kernel_hook hook,
		 uint16_t from, uint16_t to, const void *payload, size_t length, uint32_t gso_size)
{
	struct frame frame;

	frame_begin(&frame, shape, 1, 2, IPPROTO_UDP);
	frame_udp(&frame, from, to);
	frame_put16(&frame, frame.transport + 4, (uint32_t)length + 8);
	frame_payload(&frame, payload, length);
	frame_end(&frame);
	kernel_run(kernel, hook, &frame, 0, gso_size);
}

static void expect(const struct kernel *kernel, int tunnel_index, uint64_t initiations_sent,
		   uint64_t initiations_received, uint64_t responses_sent,
		   uint64_t responses_received, uint64_t durations)
{
	const struct handshake_counters *h = &kernel->counters->handshakes[tunnel_index];
	uint64_t observed = 0;

	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		observed += h->duration.buckets[i];
	check(h->initiations.sent == initiations_sent, "%llu initiations sent",
	      h->initiations.sent);
	check(h->initiations.received == initiations_received, "%llu initiations received",
	      h->initiations.received);
	check(h->responses.sent == responses_sent, "%llu responses sent", h->responses.sent);
	check(h->responses.received == responses_received, "%llu responses received",
	      h->responses.received);
	check(observed == durations, "%llu durations", (unsigned long long)observed);
}

static void sent_and_answered(struct kernel *kernel)
{
	uint8_t message[INITIATION];

	for (size_t i = 0; i < SHAPES; i++) {
		uint8_t index = (uint8_t)(1 + i);

		check_about("shape %zu", i);
		kernel_reset(kernel);
		message_put(message, INITIATION, index);
		pass(kernel, &shapes[i], HOOK_EGRESS, 1, 2, message, INITIATION, 0);
		expect(kernel, 0, 1, 0, 0, 0, 0);
		message_put(message, RESPONSE, 200);
		pass(kernel, &shapes[i], HOOK_INGRESS, 2, 1, message, RESPONSE, 0);
		expect(kernel, 0, 1, 0, 0, 1, 0);
		message_put(message, RESPONSE, index);
		pass(kernel, &shapes[i], HOOK_INGRESS, 2, 1, message, RESPONSE, 0);
		expect(kernel, 0, 1, 0, 0, 2, 1);
		pass(kernel, &shapes[i], HOOK_INGRESS, 2, 1, message, RESPONSE, 0);
		expect(kernel, 0, 1, 0, 0, 3, 1);
	}
}

static void look_alikes(struct kernel *kernel)
{
	uint8_t message[DATA];

	kernel_reset(kernel);
	for (size_t size = 0; size <= DATA; size++) {
		if (size == INITIATION || size == RESPONSE)
			continue;
		message_put(message, DATA, 1);
		message[0] = size & 1 ? 1 : 2;
		pass(kernel, &shapes[0], HOOK_EGRESS, 1, 2, message, size, 0);
	}
	for (int at = 1; at < 4; at++) {
		message_put(message, INITIATION, 1);
		message[at] = 1;
		pass(kernel, &shapes[0], HOOK_EGRESS, 1, 2, message, INITIATION, 0);
	}
	message_put(message, INITIATION, 1);
	pass(kernel, &shapes[0], HOOK_EGRESS, 1, 2, message, RESPONSE,
	     0);			      /* the type of the other one */
	kernel->came_in_by = kernel->ifindex; /* forwarded */
	pass(kernel, &shapes[0], HOOK_EGRESS, 1, 2, message, INITIATION, 0);
	kernel->came_in_by = 0;
	pass(kernel, &shapes[0], HOOK_LOOPBACK, 1, 2, message, INITIATION,
	     0); /* whose, no port tells */
	expect(kernel, 0, 0, 0, 0, 0, 0);
}

/* Merged by GRO: all of a handshake's size, or one behind longer ones. */
static void merged(struct kernel *kernel)
{
	static uint8_t payload[16 * DATA];

	kernel_reset(kernel);
	for (int i = 0; i < 10; i++)
		message_put(payload + (size_t)i * INITIATION, INITIATION, (uint8_t)(10 + i));
	pass(kernel, &shapes[0], HOOK_INGRESS, 1, 2, payload, 10 * INITIATION, INITIATION);
	expect(kernel, 0, 0, 10, 0, 0, 0);
	message_put(payload + (size_t)9 * INITIATION, RESPONSE, 30);
	for (int i = 0; i < 9; i++)
		message_put(payload + (size_t)i * INITIATION, INITIATION, (uint8_t)(40 + i));
	pass(kernel, &shapes[1], HOOK_INGRESS, 1, 2, payload, 9 * INITIATION + RESPONSE,
	     INITIATION);
	expect(kernel, 0, 0, 19, 0, 1, 0);
	for (int i = 0; i < 8; i++)
		message_put(payload + (size_t)i * DATA, DATA, (uint8_t)i);
	message_put(payload + (size_t)8 * DATA, INITIATION, 60);
	pass(kernel, &shapes[0], HOOK_INGRESS, 1, 2, payload, 8 * DATA + INITIATION, DATA);
	expect(kernel, 0, 0, 20, 0, 1, 0);
	message_put(payload + (size_t)8 * DATA, RESPONSE, 61);
	pass(kernel, &shapes[0], HOOK_EGRESS, 1, 2, payload, 8 * DATA + RESPONSE, DATA);
	expect(kernel, 0, 0, 20, 1, 1, 0);
}

/*
 * The port tells whose it is, and on lo which way it goes; a device on port 53 does not speak DNS.
 */
static void by_port(struct kernel *kernel)
{
	struct proxy proxy = { .generation = GENERATION, .tunnels[1].listen_port = DEVICE_PORT };
	uint8_t message[INITIATION];

	kernel_reset(kernel);
	kernel_set_proxy(kernel, &proxy);
	message_put(message, INITIATION, 70);
	pass(kernel, &shapes[0], HOOK_EGRESS, DEVICE_PORT, 53, message, INITIATION, 0);
	expect(kernel, 1, 1, 0, 0, 0, 0);
	message_put(message, RESPONSE, 70);
	pass(kernel, &shapes[0], HOOK_INGRESS, 53, DEVICE_PORT, message, RESPONSE, 0);
	expect(kernel, 1, 1, 0, 0, 1, 1);
	message_put(message, INITIATION, 71);
	pass(kernel, &shapes[0], HOOK_LOOPBACK, DEVICE_PORT, 7, message, INITIATION, 0);
	expect(kernel, 1, 2, 0, 0, 1, 1);
	message_put(message, RESPONSE, 71);
	pass(kernel, &shapes[0], HOOK_LOOPBACK, 7, DEVICE_PORT, message, RESPONSE, 0);
	expect(kernel, 1, 2, 0, 0, 2, 2);
	check(kernel->counters->leaked_dns == 0, "taken for DNS");
	expect(kernel, 0, 0, 0, 0, 0, 0);
}

const struct test_case handshake_cases[] = {
	{ "sent and answered", sent_and_answered },
	{ "look-alikes", look_alikes },
	{ "merged", merged },
	{ "by port", by_port },
	{},
};
