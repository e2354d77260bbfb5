// SPDX-License-Identifier: Apache-2.0
/*
 * The table: one row for each proxy. Hundreds of rows make each byte matter, so optional HTML end
 * tags are left out, and the details of a proxy are behind a link.
 */
#include "web/page/chart.h"
#include "web/page/html.h"
#include "web/page/view.h"

#define JOIN 3 /* history steps in one point of a row's chart */
#define POINTS (SNAPSHOT_STEPS / JOIN)

static void spark_write(struct text *out, const struct sample_history *h)
{
	double values[POINTS] = { 0 };
	struct chart chart = { .count = POINTS, .step = 3, .height = 15 };

	for (unsigned int i = 0; i < SNAPSHOT_STEPS; i++)
		values[i / JOIN] += (double)h->successful[i] + h->failed[i];
	for (unsigned int i = 0; i < POINTS; i++)
		chart.top = values[i] > chart.top ? values[i] : chart.top;
	if (!(chart.top > 0))
		return;
	text_puts(out, "<svg><path d=\"");
	chart_path(out, &chart, values, h->known / JOIN, false);
	text_puts(out, "\"/></svg>");
}

static void number_write(struct text *out, const struct page_proxy *p, enum page_number number)
{
	text_puts(out, "<td>");
	if (page_has(p, number))
		html_count(out, p->numbers[number]);
}

static void history_write(struct text *out, const struct page_proxy *p)
{
	const struct sample_history *h = p->history;

	text_puts(out, "<td>");
	if (h && p->ended) {
		html_number(out, 100.0 * (double)p->failed / (double)p->ended);
		text_puts(out, " %");
	}
	text_puts(out, "<td>");
	if (h && h->known)
		html_bytes(out, (double)h->received[SNAPSHOT_STEPS - 1] / SNAPSHOT_STEP_SECONDS);
	text_puts(out, "<td>");
	if (h)
		spark_write(out, h);
}

static void row_write(struct text *out, const struct page_view *view,
		      const struct page_entry *entry)
{
	const struct page_proxy *p = entry->proxy;

	text_puts(out, "<tr><th scope=row><a href=?proxy=");
	html_query(out, p->name);
	text_puts(out, ">");
	html_escape(out, p->name);
	text_puts(out, entry->level == PAGE_GOOD ? "</a><td>" : "</a><td class=");
	if (entry->level != PAGE_GOOD)
		text_printf(out, "%s>", view_class(entry->level));
	text_puts(out, words_brief(&entry->reasons, p));
	text_puts(out, "<td>");
	if (p->tunnel_count && p->tunnels[0].handshake)
		html_duration(out, view_age(view, p->tunnels[0].handshake));
	number_write(out, p, PAGE_ACTIVE);
	number_write(out, p, PAGE_RATE);
	history_write(out, p);
	text_puts(out, "\n");
}

void table_write(struct text *out, const struct page_view *view)
{
	text_puts(out, "<section><h2>Proxies</h2>\n<table>\n<caption>Handshake: age of the last "
		       "one. Open: client connections now. Requests: received in the last minute. "
		       "Failed: share of the requests completed in the last 5 minutes. "
		       "Received: bytes per second from the tunnel. Chart: completed requests in "
		       "the last 5 minutes, each row to its own scale.</caption>\n"
		       "<thead><tr><th scope=col>Proxy<th scope=col>State<th "
		       "scope=col>Handshake<th scope=col>Open"
		       "<th scope=col>Requests<th scope=col>Failed<th scope=col>Received<th "
		       "scope=col>Chart\n<tbody>\n");
	for (uint32_t i = 0; i < view->model.count; i++)
		row_write(out, view, view->sorted[i]);
	text_puts(out, "</table></section>\n");
}
