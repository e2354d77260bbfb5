// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/wireguard/uapi_parse.c: however an answer is cut it is the same, and no
 * secret of it stays in the parser.
 */
#include "wireguard.h"

#include <errno.h>

#include "collector/wireguard/uapi_parse.h"

static int feed(struct wireguard_device *device, const char *bytes, size_t size, size_t most)
{
	struct cuts cuts = cuts_begin((const uint8_t *)bytes, size, most, most);
	struct uapi_parser parser;
	int r = 0;

	uapi_parser_init(&parser, device);
	for (size_t at = 0, piece; at < size && !r; at += piece) {
		char *copy;

		piece = cuts_next(&cuts, size - at);
		copy = fuzz_copy(bytes + at, piece);
		r = uapi_parse(&parser, copy, piece);
		free(copy);
		CHECK(parser.length < UAPI_LINE_MAX);
		CHECK(r <= 1 && r >= -4095, "%d", r);
	}
	CHECK(!memmem(&parser, sizeof(parser), "THE-SECRET", 10),
	      "a value that is not wanted was copied");
	return r;
}

/* Whether the word stands nowhere but as (part of) a value that is not wanted. */
static int has_secret(const char *bytes, size_t size)
{
	const char *at = memmem(bytes, size, "private_key=THE-SECRET", 22);

	return at && (at == bytes || at[-1] == '\n') &&
	       !memmem(bytes, (size_t)(at - bytes), "THE-SECRET", 10) &&
	       !memmem(at + 22, size - (size_t)(at + 22 - bytes), "THE-SECRET", 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct wireguard_device whole = { .count = 0 }, cut = { .count = 0 };
	int want;

	if (memmem(data, size, "THE-SECRET", 10) && !has_secret(bytes, size))
		return 0;
	want = feed(&whole, bytes, size, SIZE_MAX / 2);
	if (want == 1)
		check_device(&whole);
	for (size_t most = 1; most <= 64; most *= 8) {
		int got = feed(&cut, bytes, size, most);

		CHECK(got == want, "%d, not %d", got, want);
		if (want != 1)
			continue;
		CHECK(cut.count == whole.count && cut.text_length == whole.text_length &&
		      cut.lost == whole.lost);
		for (uint32_t i = 0; i < whole.count; i++)
			CHECK(!strcmp(wireguard_allowed(&cut, &cut.peers[i]),
				      wireguard_allowed(&whole, &whole.peers[i])) &&
			      cut.peers[i].receive_bytes == whole.peers[i].receive_bytes);
	}
	wireguard_device_free(&whole);
	wireguard_device_free(&cut);
	return 0;
}
