// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/socks.h and bpf/parse/socks_reader.h: the input is what a client, and then what a
 * server says. Read by the byte (the grammar alone), in segments cut anywhere, and in words, it
 * comes to the same.
 */
#include "kernel.h"

#include "bpf/parse/socks_reader.h"

struct reading {
	__u32 consumed, state, skip, malformed, command;
	int commands; /* how often one was said */
};

static void take_event(struct reading *r, __u32 event, __u32 command)
{
	if (!event)
		return;
	CHECK(event == SOCKS_EVENT_COMMAND || event == SOCKS_EVENT_FOREIGN ||
		      event == SOCKS_EVENT_MALFORMED,
	      "%u", event);
	CHECK(!r->malformed, "an event after the end");
	if (event == SOCKS_EVENT_COMMAND) {
		r->command = command;
		r->commands++;
	} else {
		r->malformed = event;
	}
}

static void take(struct reading *r, __u64 read)
{
	r->consumed += READ_CONSUMED(read);
	r->state = READ_STATE(read);
	r->skip = READ_SKIP(read);
	take_event(r, READ_EVENT(read), READ_BYTE(read));
	CHECK(r->state <= SOCKS_CLIENT_DONE, "state %u", r->state);
	CHECK(r->skip <= 257, "%u bytes to be passed over", r->skip); /* a name and its port */
	CHECK(r->state != SOCKS_CLIENT_DONE || !r->skip);
}

static struct reading read_bytes(const uint8_t *data, size_t size)
{
	struct reading r = {};

	while (r.consumed < size && r.state != SOCKS_CLIENT_DONE) {
		__u8 byte = data[r.consumed++];
		__u32 step;

		if (r.skip) {
			if (!--r.skip)
				r.state = socks_client_after(r.state);
			continue;
		}
		step = socks_client_next(r.state, byte);
		r.state = SOCKS_STEP_STATE(step);
		r.skip = SOCKS_STEP_SKIP(step);
		take_event(&r, SOCKS_STEP_EVENT(step), command_of(byte));
	}
	return r;
}

static void expect_same(const struct reading *got, const struct reading *want, const char *how)
{
	CHECK(got->consumed == want->consumed, "%s: %u bytes, not %u", how, got->consumed,
	      want->consumed);
	CHECK(got->state == want->state && got->skip == want->skip,
	      "%s: state %u, skip %u, not %u, %u", how, got->state, got->skip, want->state,
	      want->skip);
	CHECK(got->malformed == want->malformed && got->commands == want->commands &&
		      got->command == want->command,
	      "%s", how);
}

static int is_socks4(const uint8_t *data, size_t size)
{
	return size && data[0] == 4;
}

/*
 * In segments. What takes more steps than a segment may have is given up: only SOCKS4 with a longer
 * user or name than servers take.
 */
static void check_segments(struct __sk_buff *skb, const uint8_t *data, size_t size, size_t most,
			   const struct reading *want)
{
	struct cuts cuts = cuts_begin(data, size, most, most);
	struct reading r = {};

	while (r.consumed < size && r.state != SOCKS_CLIENT_DONE) {
		size_t piece = cuts_next(&cuts, size - r.consumed);
		__u32 before = r.consumed;

		take(&r, client_read(skb, r.consumed, (__u32)piece, r.state, r.skip));
		CHECK(r.consumed - before <= piece);
		if (r.consumed - before < piece && r.state != SOCKS_CLIENT_DONE) {
			CHECK(is_socks4(data, size) && piece > 255,
			      "given up after %u of %zu bytes in state %u", r.consumed - before,
			      piece, r.state);
			return;
		}
	}
	expect_same(&r, want, "in segments");
}

static void check_words(const uint8_t *data, size_t size, const struct reading *want)
{
	struct cuts cuts = cuts_begin(data, size, 8, 8);
	struct reading r = {};

	while (r.consumed < size && r.state != SOCKS_CLIENT_DONE) {
		size_t length = cuts_next(&cuts, size - r.consumed);
		__u64 word = ~0ULL, read;

		memcpy(&word, data + r.consumed, length);
		read = client_read_word(word, (__u32)length, r.state, r.skip);
		CHECK(READ_CONSUMED(read) && READ_CONSUMED(read) <= length);
		take(&r, read);
	}
	expect_same(&r, want, "in words");
}

/*
 * The server's side, in segments of 1 to `most` bytes; nothing that decides is beyond its sixth
 * byte.
 */
static void check_server(struct __sk_buff *skb, const uint8_t *data, size_t size, size_t most)
{
	struct cuts cuts = cuts_begin(data, size, most, most);
	__u32 want = SOCKS_SERVER_VERSION, verdict = SOCKS_VERDICT_NONE, said = SOCKS_VERDICT_NONE,
	      state = want, consumed = 0;
	size_t at = 0;

	for (; at < size && want != SOCKS_SERVER_DONE; at++) {
		__u32 step = socks_server_next(want, data[at]), v;

		want = SOCKS_STEP_STATE(step);
		CHECK(want <= SOCKS_SERVER_DONE && !SOCKS_STEP_SKIP(step));
		v = SOCKS_STEP_EVENT(step) ? socks_verdict(SOCKS_STEP_EVENT(step), data[at])
					   : SOCKS_VERDICT_NONE;
		CHECK(v < SOCKS_VERDICT_FAILURE + ABI_FAILURE_MAX, "verdict %u", v);
		CHECK(v == SOCKS_VERDICT_NONE || want == SOCKS_SERVER_DONE,
		      "a verdict before the end");
		if (v)
			verdict = v;
	}
	while (consumed < size && state != SOCKS_SERVER_DONE) {
		size_t piece = cuts_next(&cuts, size - consumed);
		__u64 r = server_read(skb, consumed, (__u32)piece, state);

		state = READ_STATE(r);
		consumed += READ_CONSUMED(r);
		CHECK(READ_CONSUMED(r) == piece || state == SOCKS_SERVER_DONE,
		      "stopped at byte %u in state %u", consumed, state);
		if (READ_EVENT(r))
			said = READ_EVENT(r);
	}
	CHECK(state == want && consumed == at && said == verdict,
	      "state %u, %u bytes, verdict %u, not %u, %zu, %u", state, consumed, said, want, at,
	      verdict);
	CHECK(state == SOCKS_SERVER_DONE || size < 6, "not decided by six bytes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = fuzz_copy(data, size);
	struct __sk_buff skb = { .len = (__u32)size };
	struct reading want = read_bytes(bytes, size);

	packet_bytes = bytes;
	check_words(bytes, size, &want);
	for (size_t most = 1; most <= 4096; most *= 4) {
		check_segments(&skb, bytes, size, most, &want);
		check_server(&skb, bytes, size, most);
	}
	free(bytes);
	return 0;
}
