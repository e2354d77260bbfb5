// SPDX-License-Identifier: Apache-2.0
#include "health/answer.h"

#include <stdio.h>
#include <string.h>

#include "health/lines.h"
#include "health/target.h"

/* The results of the checks for one request. Passed checks are listed only if `verbose`. */
struct report {
	struct lines lines;
	bool verbose;
	bool failed;
};

static const struct {
	const char *text;
	bool named; /* the text follows "tunnel <interface>" */
	bool usable;
} tunnels[] = {
	[HEALTH_TUNNEL_UNKNOWN] = { "tunnel state is unknown", false, false },
	[HEALTH_TUNNEL_UP] = { "is up", true, true },
	[HEALTH_TUNNEL_IDLE] = { "is idle", true, true },
	[HEALTH_TUNNEL_NEVER] = { "has not been used yet", true, true },
	[HEALTH_TUNNEL_STALE] = { "is stale: no recent handshake", true, false },
	[HEALTH_TUNNEL_NO_PEER] = { "has no peer", true, false },
	[HEALTH_TUNNEL_NO_INTERFACE] = { "no tunnel interface", false, false },
	[HEALTH_TUNNEL_INTERFACE_DOWN] = { "is down", true, false },
};

static void check(struct report *report, bool good, const char *proxy, const char *what)
{
	const char *colon = *proxy ? ": " : "";

	report->failed |= !good;
	if (report->verbose)
		lines_add(&report->lines, "[%c]%s%s%s", good ? '+' : '-', proxy, colon, what);
	else if (!good)
		lines_add(&report->lines, "%s%s%s", proxy, colon, what);
}

static void check_tunnel(struct report *report, const struct health_proxy *proxy)
{
	uint32_t state = proxy->tunnel < sizeof(tunnels) / sizeof(*tunnels) ? proxy->tunnel
									    : HEALTH_TUNNEL_UNKNOWN;
	char what[96];

	snprintf(what, sizeof(what), "%s%s%s%s", tunnels[state].named ? "tunnel " : "",
		 tunnels[state].named ? proxy->interface : "", tunnels[state].named ? " " : "",
		 tunnels[state].text);
	check(report, tunnels[state].usable, proxy->name, what);
}

static void check_listener(struct report *report, const struct health_proxy *proxy)
{
	check(report, proxy->listener_up, proxy->name,
	      proxy->listener_up ? "SOCKS server is listening" : "no SOCKS server is listening");
}

/* Whether the state of the proxies is known. */
static bool check_collector(struct report *report, const struct health_view *view)
{
	bool good = view->collector_alive && view->collector_reported;

	if (good)
		check(report, true, "", "collector is reporting");
	else
		check(report, false, "",
		      view->collector_alive ? "collector starting" : "collector silent");
	return good;
}

static uint16_t root_answer(struct report *report, const struct health_view *view)
{
	if (check_collector(report, view)) {
		for (uint32_t i = 0; i < view->proxy_count; i++)
			check_tunnel(report, &view->proxies[i]);
	}
	if (!report->failed)
		lines_add(&report->lines, "VPN is active");
	return report->failed && view->require_vpn ? 503 : 200;
}

static uint16_t readyz_answer(struct report *report, const struct health_view *view,
			      const struct target *target)
{
	bool found = false;

	if (check_collector(report, view)) {
		for (uint32_t i = 0; i < view->proxy_count; i++) {
			const struct health_proxy *proxy = &view->proxies[i];

			if (target->proxy_given && strcmp(target->proxy, proxy->name) != 0)
				continue;
			found = true;
			check_tunnel(report, proxy);
			check_listener(report, proxy);
		}
		if (target->proxy_given && !found) {
			check(report, false, "", "unknown proxy");
			return 404;
		}
	}
	if (!report->failed)
		lines_add(&report->lines, report->verbose ? "readyz check passed" : "ok");
	return report->failed ? 503 : 200;
}

/* Of all proxies found at the start; with ?proxy=NAME of that one, whenever it appears. */
static uint16_t startupz_answer(struct report *report, const struct health_view *view,
				const struct target *target)
{
	uint32_t started = 0, found = 0;
	bool done = view->startup_done;
	char what[96];

	for (uint32_t i = 0; i < view->proxy_count; i++) {
		const struct health_proxy *proxy = &view->proxies[i];

		if (target->proxy_given && strcmp(target->proxy, proxy->name) != 0)
			continue;
		found++;
		started += proxy->started != 0;
		if (report->verbose || target->proxy_given)
			check(report, proxy->started, proxy->name,
			      proxy->started ? "attached" : "not attached yet");
	}
	if (target->proxy_given && !found) {
		check(report, false, "", "unknown proxy");
		return 404;
	}
	if (target->proxy_given)
		done = started == found;
	else if (done)
		check(report, true, "", "the first attach attempt has ended");
	else {
		snprintf(what, sizeof(what),
			 "the first attach attempt has not ended yet: %u of %u proxies", started,
			 view->proxy_count);
		check(report, false, "", what);
	}
	if (done)
		lines_add(&report->lines, "ok");
	return done ? 200 : 503;
}

static uint16_t target_answer(struct report *report, const struct health_view *view,
			      const struct target *target)
{
	switch (target->path) {
	case TARGET_ROOT: return root_answer(report, view);
	case TARGET_READYZ: return readyz_answer(report, view, target);
	case TARGET_LIVEZ:
	case TARGET_HEALTHZ:
		if (report->verbose)
			check(report, true, "", "accept loop is running");
		lines_add(&report->lines, "ok");
		return 200;
	case TARGET_STARTUPZ: return startupz_answer(report, view, target);
	case TARGET_UNKNOWN: break;
	}
	lines_add(&report->lines,
		  "not found, valid paths are /, /livez, /healthz, /readyz, /startupz");
	return 404;
}

static uint16_t request_answer(struct report *report, const struct http_request *request,
			       const struct health_view *view)
{
	struct target target;

	if (request->status != 200)
		return request->status;
	if (request->method == HTTP_OTHER)
		return 405;
	if (target_parse(&target, request->target) < 0)
		return 400;
	report->verbose = target.verbose;
	return target_answer(report, view, &target);
}

static const char *status_reason(uint16_t status)
{
	switch (status) {
	case 200: return "OK";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 414: return "URI Too Long";
	case 431: return "Request Header Fields Too Large";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	default: return "Bad Request";
	}
}

size_t answer_write(char *out, const struct http_request *request, const struct health_view *view)
{
	char body[ANSWER_BODY_MAX];
	struct report report = { .lines = { .bytes = body, .size = sizeof(body) } };
	uint16_t status = request_answer(&report, request, view);
	size_t length;

	lines_end(&report.lines);
	if (!report.lines.length)
		lines_add(&report.lines, "%s", status_reason(status));
	length = (size_t)snprintf(out, ANSWER_SIZE,
				  "HTTP/1.1 %u %s\r\n"
				  "Content-Type: text/plain; charset=utf-8\r\n"
				  "Content-Length: %zu\r\n"
				  "%s"
				  "Connection: close\r\n"
				  "\r\n",
				  (unsigned int)status, status_reason(status), report.lines.length,
				  status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (request->method == HTTP_HEAD)
		return length;
	memcpy(out + length, body, report.lines.length);
	return length + report.lines.length;
}
