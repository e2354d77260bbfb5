// SPDX-License-Identifier: Apache-2.0
/*
 * A request is the same in any segmentation, and an invalid request is refused as soon as that is
 * certain.
 */
#include "health/http_request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct http_request request;

/* Feeds `text` in pieces of `piece` bytes. Returns how many were taken. */
static size_t feed(const char *text, size_t length, size_t piece)
{
	size_t at = 0;

	memset(&request, 0xa5, sizeof(request));
	http_request_init(&request);
	while (at < length && request.status == 0)
		at += http_request_feed(&request, text + at,
					length - at < piece ? length - at : piece);
	return at;
}

static size_t feed_text(const char *text)
{
	return feed(text, strlen(text), SIZE_MAX);
}

static void expect_status(const char *text, unsigned int status)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		feed(text, strlen(text), piece);
		cr_expect_eq(request.status, status, "%s in pieces of %zu: %u, not %u", text, piece,
			     request.status, status);
	}
}

Test(request, of_kubelet)
{
	const char *text =
		"GET /healthz HTTP/1.1\r\nHost: 10.0.0.1:9999\r\nUser-Agent: kube-probe/1.34\r\n"
		"Accept: */*\r\nConnection: close\r\n\r\n";

	for (size_t piece = 1; piece <= strlen(text); piece++) {
		cr_assert_eq(feed(text, strlen(text), piece), strlen(text));
		cr_assert_eq(request.status, 200);
		cr_expect_eq(request.method, HTTP_GET);
		cr_expect_str_eq(request.target, "/healthz");
		cr_expect_not(request.body);
	}
}

Test(request, is_incomplete_until_its_empty_line)
{
	const char *text = "HEAD / HTTP/1.0\r\nA: b\r\n\r\n";

	for (size_t length = 0; length < strlen(text); length++) {
		feed(text, length, SIZE_MAX);
		cr_expect_eq(request.status, 0, "after %zu bytes", length);
	}
	feed_text(text);
	cr_expect_eq(request.status, 200);
	cr_expect_eq(request.method, HTTP_HEAD);
}

Test(request, that_ends_early_is_refused)
{
	feed_text("GET / HTTP/1.1\r\n");
	http_request_end(&request);
	cr_expect_eq(request.status, 400);
	feed_text("GET / HTTP/1.1\r\n\r\n");
	http_request_end(&request);
	cr_expect_eq(request.status, 200);
}

Test(request, leaves_what_follows_it)
{
	const char *two = "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";

	cr_expect_eq(feed_text(two), strlen(two) / 2);
	cr_expect_str_eq(request.target, "/a");
}

Test(request, tolerates_what_the_standard_lets_it)
{
	expect_status("GET / HTTP/1.1\nHost: a\n\n", 200);
	expect_status("\r\nGET / HTTP/1.1\r\n\r\n", 200);
	expect_status("GET / HTTP/1.9\r\n\r\n", 200);
	expect_status("GET / HTTP/1.1\r\nA:\r\nB: \t x\t\r\nC: \xff\xfe\r\n\r\n", 200);
}

Test(request, other_methods_are_complete_but_other)
{
	feed_text("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
	cr_expect_eq(request.status, 200);
	cr_expect_eq(request.method, HTTP_OTHER);
	feed_text("get / HTTP/1.1\r\n\r\n");
	cr_expect_eq(request.method, HTTP_OTHER, "methods are case-sensitive");
	feed_text("GETS / HTTP/1.1\r\n\r\n");
	cr_expect_eq(request.method, HTTP_OTHER);
}

Test(request, announces_its_body)
{
	feed_text("GET / HTTP/1.1\r\nCONTENT-length: 5\r\n\r\n");
	cr_expect(request.body);
	feed_text("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	cr_expect(request.body);
	feed_text("GET / HTTP/1.1\r\nContent-Length-And-More: 5\r\nX-Content-Length: 4\r\n\r\n");
	cr_expect_not(request.body);
}

Test(request, malformed)
{
	static const char *const malformed[] = {
		" / HTTP/1.1\r\n\r\n",
		"GET\r\n\r\n",
		"GET  HTTP/1.1\r\n\r\n",
		"GET /\r\n\r\n",
		"GET / \r\n\r\n",
		"GET / HTTP/1.1 \r\n\r\n",
		"GET / HTTP/1.\r\n\r\n",
		"GET / HTTP/1.1\rX",
		"GET / http/1.1\r\n\r\n",
		"GET / HTTP/11.1\r\n\r\n",
		"GET /\t HTTP/1.1\r\n\r\n",
		"GET /\x01 HTTP/1.1\r\n\r\n",
		"GET /\x7f HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nA\r\n\r\n",
		"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
		"GET / HTTP/1.1\r\n: c\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
		"GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
		"GET / HTTP/1.1\r\n\rX",
		"\x16\x03\x01\x02 TLS",
		"\x05\x01 SOCKS",
		"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"A-METHOD-THAT-IS-TOO-LONG / HTTP/1.1\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++)
		expect_status(malformed[i], 400);
	feed("GET /\0 HTTP/1.1\r\n\r\n", 19, SIZE_MAX);
	cr_expect_eq(request.status, 400);
	feed("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 23, SIZE_MAX);
	cr_expect_eq(request.status, 400);
}

Test(request, other_version)
{
	expect_status("PRI * HTTP/2.0\r\n\r\n", 505);
	expect_status("GET / HTTP/0.9\r\n\r\n", 505);
}

Test(request, target_at_its_limit)
{
	static char text[HTTP_TARGET_MAX + 64];

	for (int more = 0; more <= 1; more++) {
		memset(text, 'a', sizeof(text));
		memcpy(text, "GET /", 5);
		strcpy(text + 4 + HTTP_TARGET_MAX + more, " HTTP/1.1\r\n\r\n");
		feed_text(text);
		cr_expect_eq(request.status, more ? 414 : 200);
		if (!more)
			cr_expect_eq(strlen(request.target), HTTP_TARGET_MAX);
	}
}

Test(request, headers_at_their_limit)
{
	static char text[HTTP_HEADERS_MAX + 64];
	const char *line = "GET / HTTP/1.1\r\n";

	for (int more = 0; more <= 1; more++) {
		size_t headers = HTTP_HEADERS_MAX + (size_t)more;

		memset(text, 'a', sizeof(text));
		memcpy(text, line, strlen(line));
		memcpy(text + strlen(line), "A: ", 3);
		strcpy(text + strlen(line) + headers - 4, "\r\n\r\n");
		feed_text(text);
		cr_expect_eq(request.status, more ? 431 : 200);
	}
}

/*
 * Bytes of the HTTP syntax and similar ones, in any order: the result must not depend on how the
 * bytes were cut into pieces.
 */
Test(request, random_bytes_in_random_pieces)
{
	static const char alphabet[] = "GET HEAD / HTTP/1.1\r\n\r\n: a%?&\t\x01\xff";
	char text[64];

	srand(1);
	for (int round = 0; round < 200000; round++) {
		size_t length = (size_t)rand() % sizeof(text), taken, good = (size_t)rand() % 24;
		struct http_request whole;

		for (size_t i = 0; i < length; i++)
			text[i] = alphabet[(size_t)rand() % sizeof(alphabet)];
		memcpy(text, "GET / HTTP/1.1\r\nA: b\r\n\r\n", good < length ? good : length);
		taken = feed(text, length, SIZE_MAX);
		whole = request;
		cr_assert_eq(feed(text, length, 1 + (size_t)rand() % 7), taken);
		cr_assert_eq(request.status, whole.status);
		cr_assert_eq(request.method, whole.method);
		cr_assert_eq(request.body, whole.body);
		if (request.status == 200)
			cr_assert_str_eq(request.target, whole.target);
	}
}
