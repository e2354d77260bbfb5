// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "web/page/html.h"
#include "web/page/view.h"

/* ---- the tiles at the top of a card ---- */

static void tile_begin(struct text *out, const char *title)
{
	text_printf(out, "<div><dt>%s<dd>", title);
}

static void tile_count(struct text *out, const struct page_proxy *p, const char *title,
		       enum page_number number)
{
	tile_begin(out, title);
	if (page_has(p, number))
		html_count_data(out, p->numbers[number]);
	else
		text_puts(out, "<span class=dim>unknown</span>");
	text_puts(out, "</div>\n");
}

static void tile_failed(struct text *out, const struct page_proxy *p)
{
	tile_begin(out, "Failed, last 5 minutes");
	if (!p->history) {
		text_puts(out, "<span class=dim>unknown</span>");
	} else if (!p->ended) {
		text_puts(out, "none <small>no completed requests</small>");
	} else {
		html_number(out, 100.0 * (double)p->failed / (double)p->ended);
		text_puts(out, " % <small>");
		html_count(out, p->failed);
		text_puts(out, " of ");
		html_count(out, p->ended);
		text_puts(out, "</small>");
	}
	text_puts(out, "</div>\n");
}

static void tile_handshake(struct text *out, const struct page_view *view,
			   const struct page_proxy *p)
{
	const struct page_tunnel *t = p->tunnel_count ? &p->tunnels[0] : NULL;

	tile_begin(out, "Last handshake");
	if (t && t->handshake) {
		html_duration(out, view_age(view, t->handshake));
		text_puts(out, " <small>ago</small>");
	} else {
		text_puts(out, t && t->state != TUNNEL_STATE_MAX
				       ? "none"
				       : "<span class=dim>unknown</span>");
	}
	text_puts(out, "</div>\n");
}

static void tiles_write(struct text *out, const struct page_view *view, const struct page_proxy *p)
{
	text_puts(out, "<dl class=tiles>\n");
	tile_count(out, p, "Open connections", PAGE_ACTIVE);
	tile_count(out, p, "Requests, last minute", PAGE_RATE);
	tile_failed(out, p);
	tile_handshake(out, view, p);
	text_puts(out, "</dl>\n");
}

/* ---- the details ---- */

static void fact_begin(struct text *out, const char *title)
{
	text_printf(out, "<dt>%s<dd>", title);
}

static void tunnel_fact(struct text *out, const struct page_view *view, const struct page_tunnel *t)
{
	text_puts(out, "<dt>Tunnel ");
	html_escape(out, t->interface);
	text_printf(out, "<dd>%s: %s", words_tunnel(t->state), words_tunnel_meaning(t->state));
	if (t->handshake) {
		text_puts(out, "; last handshake ");
		html_duration(out, view_age(view, t->handshake));
		text_puts(out, " ago");
	}
	if (t->peers) {
		text_puts(out, t->peers > 1 ? "; peers " : "; peer ");
		html_escape(out, *t->peer ? t->peer : "without address");
		if (t->peers > 1)
			text_printf(out, " and %" PRIu32 " more", t->peers - 1);
	}
	if (t->keepalive)
		text_printf(out, "; keepalive every %" PRIu64 " s", t->keepalive);
	if (t->begun)
		text_printf(out, "; %" PRIu64 " handshakes started, %" PRIu64 " answered", t->begun,
			    t->answered);
	text_puts(out, "\n");
}

static void top_write(struct text *out, const struct page_top *top)
{
	for (unsigned int i = 0; i < top->count; i++) {
		text_puts(out, i ? ", " : "");
		html_escape(out, top->entries[i].what);
		text_puts(out, " ");
		html_count(out, top->entries[i].count);
	}
	if (top->rest) {
		text_puts(out, ", all others ");
		html_count(out, top->rest);
	}
}

static void requests_facts(struct text *out, const struct page_proxy *p)
{
	if (page_has(p, PAGE_REQUESTS)) {
		fact_begin(out, "Requests");
		html_count_data(out, p->numbers[PAGE_REQUESTS]);
		text_puts(out, " total, ");
		html_count_data(out, p->numbers[PAGE_SUCCESSFUL]);
		text_puts(out, " successful, ");
		html_count_data(out, p->numbers[PAGE_FAILED]);
		text_puts(out, " failed\n");
	}
	if (p->failures.count) {
		fact_begin(out, "Failure reasons");
		top_write(out, &p->failures);
		text_puts(out, "\n");
	}
	if (page_has(p, PAGE_CLIENTS)) {
		fact_begin(out, "Clients");
		html_count_data(out, p->numbers[PAGE_CLIENTS]);
		text_puts(out, " connections accepted\n");
	}
	if (page_has(p, PAGE_UPSTREAM_CONNECTS)) {
		fact_begin(out, "Upstream connections");
		html_count_data(out, p->numbers[PAGE_UPSTREAM_CONNECTS]);
		text_puts(out, " started, ");
		html_count_data(out, p->numbers[PAGE_UPSTREAM_ACTIVE]);
		text_puts(out, " open");
		if (p->latency_ms >= 0) {
			text_puts(out, "; median connect time in the last 5 minutes ");
			html_number(out, p->latency_ms);
			text_puts(out, " ms");
		}
		if (p->upstream_failures.count) {
			text_puts(out, "; failed: ");
			top_write(out, &p->upstream_failures);
		}
		text_puts(out, "\n");
	}
}

static void traffic_facts(struct text *out, const struct page_proxy *p)
{
	if (page_has(p, PAGE_BYTES)) {
		fact_begin(out, "Traffic");
		html_bytes_data(out, p->numbers[PAGE_BYTES]);
		text_puts(out, " through the tunnel: ");
		html_bytes_data(out, p->numbers[PAGE_RECEIVED]);
		text_puts(out, " received, ");
		html_bytes_data(out, p->numbers[PAGE_SENT]);
		text_puts(out, " sent\n");
	}
	if (page_has(p, PAGE_DNS_QUERIES)) {
		fact_begin(out, "DNS");
		html_count_data(out, p->numbers[PAGE_DNS_QUERIES]);
		text_puts(out, " queries, ");
		html_count_data(out, p->numbers[PAGE_DNS_UNANSWERED]);
		text_puts(out, " unanswered\n");
	}
	fact_begin(out, "Leaks");
	if (page_has(p, PAGE_LEAKED)) {
		html_count_data(out, p->numbers[PAGE_LEAKED]);
		text_puts(out, " connections and ");
		html_count_data(out, p->numbers[PAGE_LEAKED_DNS]);
		text_puts(out, " DNS queries outside the tunnel\n");
	} else {
		text_puts(out, "not counted\n");
	}
}

static void destinations_fact(struct text *out, const struct page_proxy *p)
{
	if (!p->destinations.count)
		return;
	fact_begin(out, "Destinations, by bytes");
	for (unsigned int i = 0; i < p->destinations.count; i++) {
		text_puts(out, i ? ", " : "");
		html_escape(out, p->destinations.entries[i].what);
		text_puts(out, " ");
		html_bytes_data(out, p->destinations.entries[i].count);
	}
	if (p->destinations.rest) {
		text_puts(out, ", all others ");
		html_bytes_data(out, p->destinations.rest);
	}
	text_puts(out, "\n");
}

static void attached_fact(struct text *out, const struct page_proxy *p)
{
	fact_begin(out, "Attachments");
	for (unsigned int i = 0; i < p->attached_count && i < PAGE_ATTACHED; i++) {
		text_puts(out, i ? ", " : "");
		html_escape(out, p->attached[i]);
		text_puts(out, " (");
		html_escape(out, p->attach_mode[i]);
		text_puts(out, ")");
	}
	if (p->attached_count > PAGE_ATTACHED)
		text_printf(out, " and %u more", p->attached_count - PAGE_ATTACHED);
	text_puts(out, p->attached_count ? "\n" : "none\n");
	if (p->pod) {
		fact_begin(out, "Pod");
		html_escape(out, p->kubernetes_namespace);
		text_puts(out, " / ");
		html_escape(out, p->pod);
		text_puts(out, "\n");
	}
}

void card_write(struct text *out, const struct page_view *view, const struct page_entry *entry)
{
	const struct page_proxy *p = entry->proxy;
	bool alone = view->source->proxy || view->model.count == 1;

	text_printf(out, "<article class=%s>\n<h2><span>", view_class(entry->level));
	html_escape(out, p->name);
	text_printf(out, "</span> <b class=%s>%s</b></h2>\n", view_class(entry->level),
		    words_brief(&entry->reasons, p));
	view_reasons(out, &entry->reasons);
	if (view->model.answered) {
		tiles_write(out, view, p);
		charts_write(out, p);
	}
	text_printf(out, "<details%s><summary>Details</summary>\n<dl class=facts>\n",
		    alone ? " open" : "");
	for (unsigned int i = 0; i < p->tunnel_count; i++)
		tunnel_fact(out, view, &p->tunnels[i]);
	fact_begin(out, "SOCKS server");
	text_puts(out, p->listener_up ? "listening\n" : "not listening: new clients are refused\n");
	if (view->model.answered) {
		requests_facts(out, p);
		traffic_facts(out, p);
		destinations_fact(out, p);
		attached_fact(out, p);
	}
	text_puts(out, "</dl></details>\n</article>\n");
}
