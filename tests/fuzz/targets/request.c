// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/health/http_request.c: however a request is cut it is the same, and what it holds is
 * within its bounds.
 */
#include "fuzz.h"

#include "health/http_request.h"
#include "health/target.h"

static size_t feed(struct http_request *request, const char *bytes, size_t size, size_t most)
{
	struct cuts cuts = cuts_begin((const uint8_t *)bytes, size, most, most);
	size_t at = 0;

	memset(request, 0xa5, sizeof(*request));
	http_request_init(request);
	while (at < size && request->status == 0) {
		size_t piece = cuts_next(&cuts, size - at);
		char *copy = fuzz_copy(bytes + at, piece);
		size_t taken = http_request_feed(request, copy, piece);

		free(copy);
		CHECK(taken && taken <= piece);
		CHECK(taken == piece || request->status, "stopped without a status");
		at += taken;
	}
	return at;
}

static void check_status(const struct http_request *r, const char *bytes, size_t taken)
{
	switch (r->status) {
	case 0: break;
	case 200:
		CHECK(r->target_length && r->target_length <= HTTP_TARGET_MAX);
		CHECK(strlen(r->target) == r->target_length,
		      "the target does not end where its length says");
		CHECK(taken && bytes[taken - 1] == '\n');
		break;
	case 400:
	case 414:
	case 431:
	case 505: break;
	default: CHECK(0, "status %u", r->status);
	}
	CHECK(r->method <= HTTP_HEAD);
	CHECK(taken <= HTTP_TARGET_MAX + HTTP_HEADERS_MAX + 64, "%zu bytes without a verdict",
	      taken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_request whole, cut;
	const char *bytes = (const char *)data;
	size_t taken = feed(&whole, bytes, size, SIZE_MAX / 2);
	struct target target;

	check_status(&whole, bytes, taken);
	for (size_t most = 1; most <= 256; most *= 16) {
		size_t other = feed(&cut, bytes, size, most);

		CHECK(other == taken && cut.status == whole.status,
		      "%u after %zu bytes, not %u after %zu", cut.status, other, whole.status,
		      taken);
		CHECK(cut.method == whole.method && cut.body == whole.body &&
		      cut.target_length == whole.target_length);
		CHECK(!memcmp(cut.target, whole.target, whole.target_length));
	}
	if (whole.status == 200)
		target_parse(&target, whole.target);
	http_request_end(&cut);
	CHECK(cut.status == (whole.status ? whole.status : 400));
	return 0;
}
