// SPDX-License-Identifier: Apache-2.0
/* What the health port says: METRICS.md's table, row by row. */
#include "health/answer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct health_proxy proxies[600];
static struct health_view view;
static char out[ANSWER_SIZE + 1];
static size_t length;

static void proxy_add(const char *name, enum health_tunnel tunnel, bool listener_up)
{
	struct health_proxy *proxy = &proxies[view.proxy_count++];

	snprintf(proxy->name, sizeof(proxy->name), "%s", name);
	snprintf(proxy->interface, sizeof(proxy->interface), "wg0");
	proxy->tunnel = tunnel;
	proxy->listener_up = listener_up;
}

static void setup(void)
{
	view = (struct health_view){
		.collector_alive = true,
		.collector_reported = true,
		.startup_done = true,
		.proxies = proxies,
	};
}

TestSuite(answer, .init = setup);

static unsigned int ask_raw(const char *text)
{
	struct http_request request;

	http_request_init(&request);
	http_request_feed(&request, text, strlen(text));
	cr_assert_neq(request.status, 0, "incomplete: %s", text);
	memset(out, 0xa5, sizeof(out));
	length = answer_write(out, &request, &view);
	cr_assert_leq(length, ANSWER_SIZE);
	out[length] = '\0';
	cr_assert_eq(strlen(out), length);
	cr_assert_eq(strncmp(out, "HTTP/1.1 ", 9), 0);
	return (unsigned int)atoi(out + 9);
}

static const char *body(void)
{
	return strstr(out, "\r\n\r\n") + 4;
}

static unsigned int ask(const char *target)
{
	char text[4096];
	unsigned int status;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
	status = ask_raw(text);
	cr_expect_eq(strtoul(strstr(out, "Content-Length: ") + 16, NULL, 10), strlen(body()));
	cr_expect_gt(strlen(body()), 0);
	return status;
}

#define EXPECT(target, status, text)                                      \
	do {                                                              \
		cr_expect_eq(ask(target), status, "%s: %s", target, out); \
		cr_expect_str_eq(body(), text);                           \
	} while (0)

Test(answer, is_a_whole_response)
{
	proxy_add("a", HEALTH_TUNNEL_UP, true);
	ask("/livez");
	cr_expect_str_eq(out, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; "
			      "charset=utf-8\r\nContent-Length: 3\r\n"
			      "Connection: close\r\n\r\nok\n");
	ask_raw("HEAD /livez HTTP/1.0\r\n\r\n");
	cr_expect_str_eq(out, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; "
			      "charset=utf-8\r\nContent-Length: 3\r\n"
			      "Connection: close\r\n\r\n");
}

Test(answer, liveness_is_always_good)
{
	view = (struct health_view){ 0 };
	EXPECT("/livez", 200, "ok\n");
	EXPECT("/healthz", 200, "ok\n");
	EXPECT("/livez?verbose", 200, "[+]accept loop is running\nok\n");
	cr_expect_eq(ask("/"), 200);
}

Test(answer, readiness_by_tunnel)
{
	static const struct {
		enum health_tunnel tunnel;
		unsigned int status;
		const char *body;
	} rows[] = {
		{ HEALTH_TUNNEL_UP, 200, "ok\n" },
		{ HEALTH_TUNNEL_IDLE, 200, "ok\n" },
		{ HEALTH_TUNNEL_NEVER, 200, "ok\n" },
		{ HEALTH_TUNNEL_UNKNOWN, 503, "crab: tunnel state is unknown\n" },
		{ HEALTH_TUNNEL_STALE, 503, "crab: tunnel wg0 is stale: no recent handshake\n" },
		{ HEALTH_TUNNEL_NO_PEER, 503, "crab: tunnel wg0 has no peer\n" },
		{ HEALTH_TUNNEL_NO_INTERFACE, 503, "crab: no tunnel interface\n" },
		{ HEALTH_TUNNEL_INTERFACE_DOWN, 503, "crab: tunnel wg0 is down\n" },
		{ 4711, 503, "crab: tunnel state is unknown\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		view.proxy_count = 0;
		proxy_add("crab", rows[i].tunnel, true);
		EXPECT("/readyz", rows[i].status, rows[i].body);
	}
}

Test(answer, readiness_by_listener)
{
	proxy_add("crab", HEALTH_TUNNEL_UP, false);
	EXPECT("/readyz", 503, "crab: no SOCKS server is listening\n");
	proxies[0].tunnel = HEALTH_TUNNEL_STALE;
	EXPECT("/readyz", 503,
	       "crab: tunnel wg0 is stale: no recent handshake\ncrab: no SOCKS server is "
	       "listening\n");
}

Test(answer, readiness_of_all_or_one)
{
	proxy_add("crab", HEALTH_TUNNEL_UP, true);
	proxy_add("a \"salmon\"", HEALTH_TUNNEL_STALE, true);
	EXPECT("/readyz", 503, "a \"salmon\": tunnel wg0 is stale: no recent handshake\n");
	EXPECT("/readyz?proxy=crab", 200, "ok\n");
	EXPECT("/readyz?proxy=a+%22salmon%22", 503,
	       "a \"salmon\": tunnel wg0 is stale: no recent handshake\n");
	EXPECT("/readyz?proxy=cra", 404, "unknown proxy\n");
	EXPECT("/readyz?proxy=", 404, "unknown proxy\n");
	EXPECT("/readyz?verbose", 503,
	       "[+]collector is reporting\n[+]crab: tunnel wg0 is up\n[+]crab: SOCKS server is "
	       "listening\n"
	       "[-]a \"salmon\": tunnel wg0 is stale: no recent handshake\n[+]a \"salmon\": "
	       "SOCKS server is listening\n");
	EXPECT("/readyz?verbose&proxy=crab", 200,
	       "[+]collector is reporting\n[+]crab: tunnel wg0 is up\n[+]crab: SOCKS server is "
	       "listening\n"
	       "readyz check passed\n");
}

Test(answer, readiness_without_a_proxy_to_watch)
{
	EXPECT("/readyz", 200, "ok\n");
	EXPECT("/readyz?proxy=crab", 404, "unknown proxy\n");
}

Test(answer, collector_silent)
{
	proxy_add("crab", HEALTH_TUNNEL_UP, true);
	view.collector_alive = false;
	EXPECT("/readyz", 503, "collector silent\n");
	EXPECT("/readyz?proxy=crab", 503, "collector silent\n");
	EXPECT("/readyz?verbose", 503, "[-]collector silent\n");
	EXPECT("/livez", 200, "ok\n");
	EXPECT("/", 200, "collector silent\n");
	view.require_vpn = true;
	EXPECT("/", 503, "collector silent\n");
	view.collector_alive = true;
	view.collector_reported = false;
	EXPECT("/readyz", 503, "collector starting\n");
}

Test(answer, root_tells_of_the_tunnel)
{
	proxy_add("crab", HEALTH_TUNNEL_IDLE, false);
	EXPECT("/", 200, "VPN is active\n");
	EXPECT("/?verbose", 200,
	       "[+]collector is reporting\n[+]crab: tunnel wg0 is idle\nVPN is active\n");
	proxies[0].tunnel = HEALTH_TUNNEL_INTERFACE_DOWN;
	EXPECT("/", 200, "crab: tunnel wg0 is down\n");
	view.require_vpn = true;
	EXPECT("/", 503, "crab: tunnel wg0 is down\n");
	EXPECT("/livez", 200, "ok\n");
	proxies[0].tunnel = HEALTH_TUNNEL_UP;
	EXPECT("/", 200, "VPN is active\n");
}

Test(answer, startup)
{
	EXPECT("/startupz", 200, "ok\n");
	view.startup_done = false;
	proxy_add("crab", HEALTH_TUNNEL_UP, true);
	proxy_add("shrimp", HEALTH_TUNNEL_UP, true);
	proxies[0].started = 1;
	EXPECT("/startupz", 503, "the first attach attempt has not ended yet: 1 of 2 proxies\n");
	EXPECT("/startupz?proxy=crab", 200, "ok\n");
	EXPECT("/startupz?proxy=shrimp", 503, "shrimp: not attached yet\n");
	EXPECT("/startupz?proxy=squid", 404, "unknown proxy\n");
	EXPECT("/startupz?verbose", 503,
	       "[+]crab: attached\n[-]shrimp: not attached yet\n"
	       "[-]the first attach attempt has not ended yet: 1 of 2 proxies\n");
	proxies[0].started = 0;
}

Test(answer, refusals)
{
	cr_expect_eq(ask_raw("POST /livez HTTP/1.1\r\n\r\n"), 405);
	cr_expect_not_null(strstr(out, "\r\nAllow: GET, HEAD\r\n"));
	cr_expect_eq(ask_raw("OPTIONS * HTTP/1.1\r\n\r\n"), 405);
	cr_expect_eq(ask_raw("GET * HTTP/1.1\r\n\r\n"), 400);
	cr_expect_eq(ask_raw("GET /readyz?proxy=% HTTP/1.1\r\n\r\n"), 400);
	cr_expect_eq(ask_raw("nonsense\r\n"), 400);
	cr_expect_str_eq(body(), "Bad Request\n");
	cr_expect_null(strstr(out, "Allow"));
	cr_expect_eq(ask_raw("GET / HTTP/2.0\r\n\r\n"), 505);
	cr_expect_eq(ask("/metrics"), 404);
	cr_expect_eq(ask("/livez/../"), 404);
}

Test(answer, a_name_forges_no_line)
{
	proxy_add("x\r\n[+]crab\x7f\x1b", HEALTH_TUNNEL_STALE, true);
	EXPECT("/readyz", 503, "x??[+]crab??: tunnel wg0 is stale: no recent handshake\n");
}

Test(answer, never_exceeds_what_kubelet_reads)
{
	char name[CONFIG_NAME_SIZE];
	unsigned int told = 0, omitted;
	const char *last;

	for (int i = 0; i < 600; i++) {
		memset(name, 'a' + i % 26, sizeof(name));
		name[1 + i % (CONFIG_NAME_SIZE - 1)] = '\0';
		proxy_add(name, HEALTH_TUNNEL_STALE, true);
	}
	cr_expect_eq(ask("/readyz"), 503);
	cr_expect_leq(strlen(body()), ANSWER_BODY_MAX);
	cr_expect_gt(strlen(body()), ANSWER_BODY_MAX - 1024, "the room is used");
	for (const char *at = body(); (at = strchr(at, '\n')); at++)
		told++;
	last = strstr(body(), "\nand ");
	cr_assert_not_null(last);
	cr_assert_eq(sscanf(last, "\nand %u more\n", &omitted), 1);
	cr_expect_eq(told - 1 + omitted, 600, "each is told or counted");
}
