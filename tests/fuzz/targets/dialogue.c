// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/dialogue.h: a whole dialogue of both sides as segments, cut anywhere, again, overlapping,
 * overtaking. Without a loss it must count what the plain grammar reads; with one, still nothing
 * twice.
 *
 * The input: the number of moves, and the moves (2 bytes each: side and length, place). Then the
 * length of the client's bytes (16 bits), and these bytes. The rest are the server's bytes.
 */
#include "kernel.h"

#include "bpf/dialogue.h"

#define ISN_CLIENT 0xfffffff0u /* wraps soon */
#define ISN_SERVER 0x7ffffff8u

struct stream {
	uint8_t *bytes;
	__u32 length, isn;
};

struct run {
	struct session_key key;
	struct session *session;
	struct proxy_counters *counters;
	struct stream client, server;
};

static void say(struct run *run, const struct stream *from, __u32 start, __u32 length)
{
	struct __sk_buff skb = { .len = length };
	struct segment segment = { .sequence = from->isn + start, .payload_length = length };
	struct dialogue *d = &run->session->dialogue;

	if (!length)
		return; /* carries_data */
	packet_bytes = from->bytes + start;
	if (from == &run->client) {
		if (!(d->client.flags & DIALOGUE_DONE))
			dialogue_client(&skb, &segment, &run->key, run->session, run->counters);
	} else if (!(d->server.flags & DIALOGUE_DONE)) {
		dialogue_server(&skb, &segment, &run->key, run->session, run->counters);
	}
	CHECK(!kernel_locked, "the lock was kept");
	CHECK(d->client.state <= SOCKS_CLIENT_DONE && d->server.state <= SOCKS_SERVER_DONE);
	CHECK(d->client.next <= run->client.length, "read %u of %u bytes", d->client.next,
	      run->client.length);
	CHECK(d->server.next <= run->server.length, "read %u of %u bytes", d->server.next,
	      run->server.length);
	CHECK(run->session->held_length <= ABI_HELD_MAX &&
	      run->session->held_filled <= run->session->held_length);
}

static __u32 min(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* A move: from 32 bytes before what is unread to 95 behind it, 1 to 64 bytes or all. */
static void move(struct run *run, __u8 what, __u8 where)
{
	const struct stream *from = what & 0x80 ? &run->server : &run->client;
	__u32 next = what & 0x80 ? run->session->dialogue.server.next
				 : run->session->dialogue.client.next;
	__u32 start = where & 0x80 ? next + (where & 0x7f) : 0, length = (what & 0x7f) + 1;

	if (!(where & 0x80))
		start = next > (where & 0x1f) ? next - (where & 0x1f) : 0;
	start = min(start, from->length);
	say(run, from, start,
	    what & 0x40 ? from->length - start : min(length, from->length - start));
}

static __u64 sum(const __u64 *of, int count)
{
	__u64 all = 0;

	for (int i = 0; i < count; i++)
		all += of[i];
	return all;
}

/* By the grammar alone. Returns whether the request is complete, and its command. */
static int expected_request(const struct stream *s, __u32 *command)
{
	__u32 state = SOCKS_CLIENT_VERSION, skip = 0, malformed = 0;

	for (__u32 i = 0; i < s->length && state != SOCKS_CLIENT_DONE; i++) {
		__u32 step;

		if (skip) {
			if (!--skip)
				state = socks_client_after(state);
			continue;
		}
		step = socks_client_next(state, s->bytes[i]);
		state = SOCKS_STEP_STATE(step);
		skip = SOCKS_STEP_SKIP(step);
		if (SOCKS_STEP_EVENT(step) == SOCKS_EVENT_COMMAND)
			*command = command_of(s->bytes[i]);
		else if (SOCKS_STEP_EVENT(step))
			malformed = 1;
	}
	return state == SOCKS_CLIENT_DONE && !malformed;
}

static __u32 expected_verdict(const struct stream *s)
{
	__u32 state = SOCKS_SERVER_VERSION, verdict = SOCKS_VERDICT_NONE;

	for (__u32 i = 0; i < s->length && state != SOCKS_SERVER_DONE; i++) {
		__u32 step = socks_server_next(state, s->bytes[i]);

		state = SOCKS_STEP_STATE(step);
		if (SOCKS_STEP_EVENT(step))
			verdict = socks_verdict(SOCKS_STEP_EVENT(step), s->bytes[i]);
	}
	return verdict;
}

static void check_counts(const struct run *run)
{
	const struct proxy_counters *c = run->counters;
	__u64 requests = sum(&ABI_AT(__u64, c->requests, 0), ABI_COMMAND_MAX);
	__u64 losses = sum(&ABI_AT(__u64, c->losses, 0), ABI_LOSS_MAX);
	__u64 failures = sum(&ABI_AT(__u64, c->failures, 0), ABI_FAILURE_MAX);
	__u32 command = ABI_COMMAND_UNKNOWN, verdict = expected_verdict(&run->server);
	int complete = expected_request(&run->client, &command);

	CHECK(requests <= 1 && c->successes + failures <= 1, "counted twice");
	CHECK(sum(c->request_duration.success.buckets, ABI_HISTOGRAM_BUCKETS) == c->successes);
	CHECK(sum(c->request_duration.failure.buckets, ABI_HISTOGRAM_BUCKETS) == failures);
	CHECK(losses <= 2, "each side gives up once");
	CHECK(c->losses.out_of_order + c->losses.parse == losses);
	if (losses)
		return;
	CHECK(requests == (__u64)complete, "%llu requests, not %d", requests, complete);
	CHECK(!complete || ABI_AT(__u64, c->requests, command) == 1, "not command %u", command);
	CHECK(c->successes == (verdict == SOCKS_VERDICT_SUCCESS));
	CHECK(failures == (verdict >= SOCKS_VERDICT_FAILURE), "%llu failures, verdict %u", failures,
	      verdict);
	if (failures)
		CHECK(ABI_AT(__u64, c->failures, verdict - SOCKS_VERDICT_FAILURE) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { .client.isn = ISN_CLIENT, .server.isn = ISN_SERVER };
	const uint8_t *moves;
	size_t count;

	if (size < 3 || size < 3u + 2u * data[0])
		return 0;
	count = data[0];
	moves = data + 1;
	data = moves + 2 * count;
	size -= 1 + 2 * count + 2;
	run.client.length = min((__u32)(data[0] << 8 | data[1]), (__u32)size);
	run.server.length = (__u32)size - run.client.length;
	run.client.bytes = fuzz_copy(data + 2, run.client.length);
	run.server.bytes = fuzz_copy(data + 2 + run.client.length, run.server.length);
	run.session = calloc(1, sizeof(*run.session));
	run.counters = calloc(1, sizeof(*run.counters));
	CHECK(run.session && run.counters);
	run.session->dialogue.client.isn = ISN_CLIENT;
	run.session->dialogue.server.isn = ISN_SERVER;
	for (size_t i = 0; i < count; i++)
		move(&run, moves[2 * i], moves[2 * i + 1]);
	/* In the end everything comes, in segments that are never too long to be read. */
	for (__u32 at = 0; at < run.client.length; at += 200)
		say(&run, &run.client, at, min(200, run.client.length - at));
	for (__u32 at = 0; at < run.server.length; at += 200)
		say(&run, &run.server, at, min(200, run.server.length - at));
	check_counts(&run);
	free(run.client.bytes);
	free(run.server.bytes);
	free(run.session);
	free(run.counters);
	return 0;
}
