// SPDX-License-Identifier: Apache-2.0
#include "world.h"

TestSuite(page, .init = world_init);

Test(page, nothing_known)
{
	EXPECT_SAYS(page(), "No proxy found yet");
}

Test(page, one_that_works)
{
	add_proxy("golden-crab", 1);
	EXPECT_SAYS(page(), "<section class=\"sum g\"><h2 aria-live=polite>golden-crab works</h2>");
	EXPECT_SAYS(page(), "<title>golden-crab works");
	EXPECT_SAYS(page(), "<data value=28596080>28.6 MB</data>");
	EXPECT_SAYS(page(), "<dt>Open connections<dd><data value=11>11</data>");
	EXPECT_SAYS(page(), "<dt>Requests, last minute<dd><data value=1234>1,234</data>");
	EXPECT_SAYS(page(), "<data value=707>707</data> total");
	EXPECT_SAYS(page(), "<dt>Last handshake<dd>43 s");
	EXPECT_NOT(page(), "<table>");
}

Test(page, trouble_comes_first)
{
	uint32_t names[3] = { add_proxy("a", 1), add_proxy("b", 1), add_proxy("c", 1) };

	set_state(names[2], "stale", false);
	add_word(METRIC_SOURCE_SUCCESS, names[1], "dns", 0);
	EXPECT_SAYS(page(), "1 of 3 proxies has a problem, 1 needs attention</h2>");
	EXPECT_SAYS(page(), "<li class=t><a href=?proxy=c>c</a>: The peer of wg0 does not answer; "
			    "the last handshake "
			    "was 43 s ago.");
	cr_expect_lt(
		strstr(page(), "<tr><th scope=row><a href=?proxy=c>c</a><td class=t>Peer silent"),
		strstr(page(),
		       "<tr><th scope=row><a href=?proxy=b>b</a><td class=l>Incomplete data"));
	cr_expect_lt(strstr(page(), "<tr><th scope=row><a href=?proxy=b>b</a>"),
		     strstr(page(), "<tr><th scope=row><a href=?proxy=a>a</a><td>Works"));
}

Test(page, the_same_trouble_is_told_once)
{
	for (int i = 0; i < 30; i++) {
		char name[16];

		sprintf(name, "crab-%d", i);
		set_state(add_proxy(name, 1), i % 3 ? "no_peer" : "stale", false);
	}
	EXPECT_SAYS(page(), ">crab-0</a> and 9 others: The peer of wg0 does not answer");
	EXPECT_SAYS(page(), ">crab-1</a> and 19 others: wg0 has no peer");
	EXPECT_NOT(page(), "at the top of the table below");
}

Test(page, names_are_data)
{
	add_proxy("<script>alert('1')</script>&\"", 1);
	add_proxy("\xc3\xa9 x", 1);
	EXPECT_SAYS(page(), "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;");
	EXPECT_SAYS(page(), "<a href=?proxy=%3Cscript%3Ealert%28%271%27%29%3C%2Fscript%3E%26%22>");
	EXPECT_SAYS(page(), "<a href=?proxy=%C3%A9%20x>\xc3\xa9 x</a>");
	EXPECT_NOT(page(), "<script>alert");
	strcpy(config.telemetry_path, "/a\"b");
	EXPECT_SAYS(page(), "href=\"/a&quot;b\"");
}

/* A step is five seconds: twelve of them are a minute. */
Test(page, charts_in_words)
{
	struct sample_history *history;

	add_proxy("crab", 0);
	history = &samples.histories[0];
	history->known = 10;
	for (unsigned int i = SNAPSHOT_STEPS - 10; i < SNAPSHOT_STEPS; i++)
		history->successful[i] = 2;
	history->successful[SNAPSHOT_STEPS - 5] = 40;
	history->failed[SNAPSHOT_STEPS - 1] = 3;
	history->received[SNAPSHOT_STEPS - 1] = 6172500;
	EXPECT_SAYS(
		page(),
		"All: now <b>60</b>, lowest 24, highest 480<br><span class=key>Failed</span>: now "
		"<b>36</b>, lowest 0, highest 36");
	EXPECT_SAYS(page(), "<p>now <b>1.23 MB/s</b>, lowest 0 B/s, highest 1.23 MB/s");
	EXPECT_SAYS(page(), "<dd>4.92 % <small>3 of 61</small>");
	EXPECT_SAYS(page(), "<path class=line d=\"M200 61");
	history->failed[SNAPSHOT_STEPS - 1] = 0;
	EXPECT_SAYS(page(), "<br>Failed: none");
	EXPECT_NOT(page(), "<path class=bad");
	history->known = 0;
	EXPECT_SAYS(page(), "Charts appear after the first five seconds.");
	samples.history_count = 0;
	EXPECT_SAYS(page(), "No charts: --no-collector.compat is set");
}

Test(page, exporter)
{
	uint32_t label;

	add_proxy("crab", 1);
	label = snapshot_string(&samples, "parse");
	snapshot_add_unsigned(&samples, METRIC_EVENTS_LOST, &label, 1234);
	snapshot_add_unsigned(&samples, METRIC_PROXIES_UNWATCHED, NULL, 7);
	label = snapshot_string(&samples, "dns");
	snapshot_add_unsigned(&samples, METRIC_COLLECTOR_SUCCESS, &label, 0);
	label = snapshot_string(&self_samples, "collector");
	snapshot_add_unsigned(&self_samples, METRIC_PROCESS_RESTARTS, &label, 3);
	EXPECT_SAYS(page(), "crab works; the exporter needs attention</h2>");
	EXPECT_SAYS(page(), "1,234 events could not be counted (parse)");
	EXPECT_SAYS(page(), "7 proxies are not watched: more than --proxies.max");
	EXPECT_SAYS(page(), "<dt>Failing collectors<dd>dns");
	for (int i = 0; i < PROCESS_MAX; i++)
		board->processes[i].pid = 100 + i;
	EXPECT_SAYS(page(), " in 5 processes");
	board->processes[PROCESS_WEBCONFIG].pid = 0;
	EXPECT_SAYS(page(), " in 4 processes");
	EXPECT_SAYS(page(), "<dt>Restarts<dd>collector <data value=3>3</data>");
	label = snapshot_string(&samples, "state");
	snapshot_add_unsigned(&samples, METRIC_PROGRAM_UP, &label, 0);
	EXPECT_SAYS(page(), "crab works; the exporter is not counting</h2>");
}

Test(page, destinations_and_what_is_attached)
{
	uint32_t name = add_proxy("crab", 1), labels[3] = { name };

	for (int i = 0; i < 12; i++) {
		char text[32];

		sprintf(text, "203.0.113.%d", i);
		labels[1] = snapshot_string(&samples, text);
		snapshot_add_unsigned(&samples, METRIC_DESTINATION_RECEIVE, labels, i * 1000);
		snapshot_add_unsigned(&samples, METRIC_DESTINATION_TRANSMIT, labels, i);
		sprintf(text, "eth%d", i);
		labels[1] = snapshot_string(&samples, text);
		labels[2] = snapshot_string(&samples, "tcx");
		snapshot_add_unsigned(&samples, METRIC_ATTACH_MODE, labels, 1);
	}
	EXPECT_SAYS(page(), "203.0.113.11 <data value=11011>11 kB</data>, 203.0.113.10 <data "
			    "value=10010>10 kB</data>");
	EXPECT_SAYS(page(), "all others <data value=15015>15 kB</data>");
	EXPECT_SAYS(page(), "eth0 (tcx), eth1 (tcx)");
	EXPECT_SAYS(page(), "eth7 (tcx) and 4 more");
}

Test(page, one_of_many)
{
	const char *text;

	for (int i = 0; i < 20; i++) {
		char name[16];

		sprintf(name, "crab-%d", i);
		add_proxy(name, 1);
	}
	EXPECT_NOT(page(), "<article");
	text = page_of("crab-7", true);
	EXPECT_SAYS(text, "<article class=g>\n<h2><span>crab-7</span>");
	EXPECT_NOT(text, "<table>");
	text = page_of("<b>", true);
	EXPECT_SAYS(text, "No proxy named <b>&lt;b&gt;</b> is watched now.");
}

Test(page, silent_collector)
{
	struct health_proxy proxies[2] = {
		{ .name = "crab<script>",
		  .tunnel = HEALTH_TUNNEL_UP,
		  .listener_up = 1,
		  .interface = "wg&0" },
		{ .name = "salmon", .tunnel = HEALTH_TUNNEL_STALE },
	};
	const char *text;

	health_board_publish(board, proxies, 2);
	board->processes[PROCESS_COLLECTOR].heartbeat_ns = NOW - 42000000000;
	text = page_of(NULL, false);
	EXPECT_SAYS(
		text,
		"The collector does not answer. Last known state:  1 of 2 proxies has a problem");
	EXPECT_SAYS(text, "This is the last known state, 42 s ago, without numbers");
	EXPECT_SAYS(text, "crab&lt;script&gt;</a><td>Works");
	EXPECT_SAYS(text, "<dt>Tunnel wg&amp;0<dd>up");
	EXPECT_SAYS(text, "salmon</a><td class=t>Peer silent");
	EXPECT_NOT(text, "<dt>Requests<dd>");
	EXPECT_NOT(page(), "collector does not answer");
}

/* 200 busy proxies, all with different charts. */
Test(page, two_hundred_in_sixty_kilobytes)
{
	size_t size;

	for (unsigned int i = 0; i < 200; i++) {
		char name[16];

		sprintf(name, "crab-%u", i);
		add_proxy(name, i + 1);
	}
	size = strlen(page());
	cr_log_info("200 busy proxies: %zu bytes", size);
	cr_expect_leq(size, 60000, "%zu", size);
}

Test(page, longest_names)
{
	char name[CONFIG_NAME_SIZE];

	memset(name, '&', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	add_proxy(name, 1);
	add_proxy("short", 0);
	EXPECT_SAYS(page(), "%26%26");
	EXPECT_SAYS(page(), "All 2 proxies work");
}

Test(page, policy)
{
	EXPECT_SAYS(page_policy(), "default-src 'none'; style-src 'sha256-");
	EXPECT_NOT(page_policy(), "unsafe");
}
