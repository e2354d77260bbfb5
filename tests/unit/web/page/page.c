// SPDX-License-Identifier: Apache-2.0
#include "web/page.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOW 100000000000ull

static struct config config;
static struct shared *board;

static void init(void)
{
	strcpy(config.telemetry_path, "/a\"b");
	board = shared_create(3);
	cr_assert_not_null(board);
	board->processes[PROCESS_COLLECTOR].heartbeat_ns = NOW;
}

TestSuite(page, .init = init);

static const char *page(bool ready)
{
	static struct text text;

	text_reset(&text);
	page_write(&text, &config, board, ready, NOW);
	text_add(&text, "", 1);
	cr_assert_eq(text.error, 0);
	return text.data;
}

Test(page, escapes)
{
	struct text text = { 0 };

	page_escape(&text, "<a href='x'>&\"\xc3\xa9");
	cr_expect_eq(memcmp(text.data, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\xc3\xa9", text.size), 0);
	text_free(&text);
}

Test(page, proxies)
{
	struct health_proxy proxies[2] = {
		{ .name = "crab<script>", .tunnel = HEALTH_TUNNEL_UP, .listener_up = 1, .interface = "wg&0" },
		{ .name = "salmon", .tunnel = HEALTH_TUNNEL_STALE },
	};
	const char *text;

	health_board_publish(board, proxies, 2);
	text = page(true);
	cr_expect_not_null(strstr(text, "<tr><td>crab&lt;script&gt;</td><td class=\"good\">up</td><td>wg&amp;0</td>"
					"<td class=\"good\">up</td></tr>"));
	cr_expect_not_null(strstr(text, "<tr><td>salmon</td><td class=\"bad\">stale</td><td>\xe2\x80\x93</td>"
					"<td class=\"bad\">down</td></tr>"));
	cr_expect_null(strstr(text, "<script"));
	cr_expect_not_null(strstr(text, "href=\"/a&quot;b\""));
	cr_expect_not_null(strstr(text, ">ready<"));
}

Test(page, nothing_known)
{
	cr_expect_not_null(strstr(page(false), "No proxy is known yet."));
	cr_expect_not_null(strstr(page(false), "not scraped lately"));
}

Test(page, silent_collector)
{
	cr_expect_null(strstr(page(true), "collector is silent"));
	board->processes[PROCESS_COLLECTOR].heartbeat_ns = NOW - 11000000000;
	cr_expect_not_null(strstr(page(true), "collector is silent"));
}
