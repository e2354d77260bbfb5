// SPDX-License-Identifier: Apache-2.0
#include "web/page/words.h"

#include <inttypes.h>

#include "web/page/html.h"

#define SHARE_TROUBLE 0.9 /* share of failed requests at which a warning becomes trouble */

/* Keeps the worst level first, and the order of calls within a level. NULL: the list is full. */
static struct text *reason_add(struct page_reasons *r, enum page_level level, const char *brief,
			       const char *runbook)
{
	unsigned int at = r->count;

	if (r->count == PAGE_REASONS_MAX)
		return NULL;
	for (; at && r->reasons[at - 1].level < level; at--)
		r->reasons[at] = r->reasons[at - 1];
	r->reasons[at] = (struct page_reason){ .level = level, .brief = brief, .runbook = runbook };
	r->count++;
	return &r->reasons[at].text;
}

void words_free(struct page_reasons *r)
{
	for (unsigned int i = 0; i < r->count; i++)
		text_free(&r->reasons[i].text);
	r->count = 0;
}

enum page_level words_level(const struct page_reasons *r)
{
	return r->count ? r->reasons[0].level : PAGE_GOOD;
}

const char *words_level_name(enum page_level level)
{
	static const char *const names[PAGE_LEVELS] = { "OK", "Attention", "Problem" };

	return names[level];
}

const char *words_tunnel(enum tunnel_state state)
{
	switch (state) {
	case TUNNEL_NO_INTERFACE: return "missing or down";
	case TUNNEL_NO_PEER: return "without peer";
	case TUNNEL_NEVER: return "unused";
	case TUNNEL_UP: return "up";
	case TUNNEL_IDLE: return "idle";
	case TUNNEL_STALE: return "stale";
	case TUNNEL_STATE_MAX: break;
	}
	return "state unknown";
}

const char *words_tunnel_meaning(enum tunnel_state state)
{
	switch (state) {
	case TUNNEL_NO_INTERFACE:
	case TUNNEL_NO_PEER: return "no traffic of this proxy reaches its destination";
	case TUNNEL_NEVER: return "usable: no handshake yet, and none was needed";
	case TUNNEL_UP: return "the peer answers";
	case TUNNEL_IDLE: return "usable: the session expired, and no traffic needed a new one";
	case TUNNEL_STALE: return "the peer does not answer: packets are sent, none come back";
	case TUNNEL_STATE_MAX: break;
	}
	return "WireGuard cannot be read";
}

void words_collectors(struct text *out, uint32_t collectors)
{
	bool first = true;

	for (unsigned int i = 0; i < COLLECTOR_MAX; i++) {
		if (!(collectors & 1u << i))
			continue;
		text_puts(out, first ? "" : ", ");
		text_puts(out, config_collector_name(i));
		first = false;
	}
}

/* ---- a proxy ---- */

static void stale_words(struct text *text, const struct page_tunnel *t, uint64_t time_s)
{
	text_printf(text, "The peer of %s does not answer; ", t->interface);
	if (t->handshake) {
		text_puts(text, "the last handshake was ");
		html_duration(text, time_s > t->handshake ? time_s - t->handshake : 0);
		text_puts(text, " ago.");
	} else {
		text_puts(text, "no handshake has been seen.");
	}
	text_puts(text, " Packets enter the tunnel, none come back.");
}

static void tunnel_words(struct page_reasons *r, const struct page_proxy *p,
			 const struct page_tunnel *t, uint64_t time_s)
{
	/* A tunnel that is down affects only part of the traffic if another one is usable. */
	enum page_level level = p->usable ? PAGE_WARNING : PAGE_TROUBLE;
	struct text *text;

	switch (t->state) {
	case TUNNEL_NO_INTERFACE:
		text = reason_add(r, level, "Tunnel down", "VpnTunnelDown");
		if (text)
			text_printf(text,
				    "The interface %s is missing or down: no traffic can use it.",
				    t->interface);
		break;
	case TUNNEL_NO_PEER:
		text = reason_add(r, level, "No peer", "VpnTunnelDown");
		if (text)
			text_printf(text, "%s has no peer: no traffic can use it.", t->interface);
		break;
	case TUNNEL_STALE:
		text = reason_add(r, level, "Peer silent", "VpnTunnelStale");
		if (text)
			stale_words(text, t, time_s);
		break;
	case TUNNEL_STATE_MAX:
		text = p->usable ? NULL
				 : reason_add(r, PAGE_TROUBLE, "Tunnel down", "VpnTunnelDown");
		if (text)
			text_printf(text, "The interface %s cannot be used%s.", t->interface,
				    t->up ? "" : ": it is missing or down");
		break;
	default: break;
	}
}

static void listener_words(struct page_reasons *r, const struct page_proxy *p)
{
	struct text *text =
		p->listener_up ? NULL
			       : reason_add(r, PAGE_TROUBLE, "SOCKS server down", "ProxyDanteGone");

	if (!text)
		return;
	text_puts(text, "No SOCKS server is listening: new clients are refused.");
	if (page_has(p, PAGE_ACTIVE) && p->numbers[PAGE_ACTIVE])
		text_printf(text, " %" PRIu64 " connections are still open.",
			    p->numbers[PAGE_ACTIVE]);
}

static void failing_words(struct page_reasons *r, const struct page_proxy *p)
{
	double share = p->failed >= PAGE_FAILED_MIN ? (double)p->failed / (double)p->ended : 0;
	struct text *text;

	if (share <= PAGE_FAILED_SHARE)
		return;
	text = reason_add(r, share >= SHARE_TROUBLE ? PAGE_TROUBLE : PAGE_WARNING,
			  "Requests failing", "ProxyRequestsFailing");
	if (!text)
		return;
	html_count(text, p->failed);
	text_puts(text, " of ");
	html_count(text, p->ended);
	text_printf(text, " requests completed in the last 5 minutes failed (%.0f %%).",
		    share * 100);
	if (p->failures.count)
		text_printf(text, " Most common reason since counting started: %s.",
			    p->failures.entries[0].what);
}

static void leak_words(struct page_reasons *r, const struct page_proxy *p)
{
	uint64_t connections = p->numbers[PAGE_LEAKED], queries = p->numbers[PAGE_LEAKED_DNS];
	struct text *text;

	if (!connections && !queries)
		return;
	text = reason_add(r, PAGE_WARNING, "Leaks", connections ? "ProxyLeak" : "ProxyDnsLeak");
	if (!text)
		return;
	if (connections)
		text_printf(text, "%" PRIu64 " connection%s", connections,
			    connections == 1 ? "" : "s");
	if (connections && queries)
		text_puts(text, " and ");
	if (queries)
		text_printf(text, "%" PRIu64 " DNS quer%s", queries, queries == 1 ? "y" : "ies");
	text_puts(text, " bypassed the tunnel since counting started. A growing number means it "
			"continues.");
}

static void unread_words(struct page_reasons *r, const struct page_proxy *p)
{
	struct text *text = p->sources_failed ? reason_add(r, PAGE_WARNING, "Incomplete data",
							   "WgsocksCollectorFailing")
					      : NULL;

	if (!text)
		return;
	text_puts(text, "Collectors failing: ");
	words_collectors(text, p->sources_failed);
	text_puts(text, ". Their numbers are missing; the log gives the reason.");
}

void words_proxy(struct page_reasons *r, const struct page_proxy *p, uint64_t time_s)
{
	for (unsigned int i = 0; i < p->tunnel_count; i++)
		tunnel_words(r, p, &p->tunnels[i], time_s);
	listener_words(r, p);
	leak_words(r, p);
	failing_words(r, p);
	unread_words(r, p);
}

const char *words_brief(const struct page_reasons *r, const struct page_proxy *p)
{
	if (r->count)
		return r->reasons[0].brief;
	switch (p->tunnel_count ? p->tunnels[0].state : TUNNEL_STATE_MAX) {
	case TUNNEL_IDLE: return "Works, idle";
	case TUNNEL_NEVER: return "Works, unused";
	default: return "Works";
	}
}

/* ---- the exporter ---- */

static void silent_words(struct page_reasons *r, uint64_t silent_s)
{
	struct text *text =
		reason_add(r, PAGE_TROUBLE, "Collector not answering", "WgsocksCollectorFailing");

	if (!text)
		return;
	text_puts(text, "The collector does not answer. This is the last known state, ");
	html_duration(text, silent_s);
	text_puts(text, " ago, without numbers. The exporter restarts it automatically; if this "
			"persists, see the log.");
}

static void top_words(struct text *out, const struct page_top *top)
{
	for (unsigned int i = 0; i < top->count; i++)
		text_printf(out, "%s%s", i ? ", " : "", top->entries[i].what);
	if (top->rest)
		text_puts(out, ", …");
}

/* The tunnel program is expected only if a tunnel interface is up. */
static bool programs_miss(const struct page_model *m)
{
	const struct page_top *down = &m->exporter.programs_down;
	bool tunnel = false;

	for (uint32_t i = 0; i < m->count; i++)
		for (unsigned int j = 0; j < m->proxies[i].tunnel_count; j++)
			tunnel |= m->proxies[i].tunnels[j].up;
	for (unsigned int i = 0; i < down->count; i++)
		if (m->count && (tunnel || strcmp(down->entries[i].what, "tunnel") != 0))
			return true;
	return false;
}

static void parts_words(struct page_reasons *r, const struct page_exporter *e)
{
	struct text *text =
		e->not_listening.count ? reason_add(r, PAGE_WARNING, "Not listening", NULL) : NULL;

	if (text) {
		text_puts(text, "Cannot listen on ");
		top_words(text, &e->not_listening);
		text_puts(text, ", retrying; the log gives the reason.");
	}
	text = e->unwatched ? reason_add(r, PAGE_WARNING, "Proxies unwatched", NULL) : NULL;
	if (text)
		text_printf(text,
			    "%" PRIu64 " proxies are not watched: more than --proxies.max, or a "
			    "missing capability.",
			    e->unwatched);
	text = e->lost_total ? reason_add(r, PAGE_WARNING, "Counts lost", "WgsocksCountsLost")
			     : NULL;
	if (text) {
		html_count(text, e->lost_total);
		text_puts(text, e->lost_total == 1 ? " event could not be counted ("
						   : " events could not be counted (");
		top_words(text, &e->lost);
		text_puts(text, "): numbers may be too low by this count.");
	}
}

void words_exporter(struct page_reasons *r, const struct page_model *m, uint64_t silent_s)
{
	const struct page_exporter *e = &m->exporter;
	uint32_t failed = e->collectors_failed;
	struct text *text;

	if (!m->answered)
		silent_words(r, silent_s);
	text = programs_miss(m)
		       ? reason_add(r, PAGE_TROUBLE, "Not counting", "WgsocksCollectorFailing")
		       : NULL;
	if (text) {
		text_puts(text, "BPF programs are not attached: ");
		top_words(text, &e->programs_down);
		text_puts(text, ". Their counts are missing; the log gives the reason.");
	}
	for (uint32_t i = 0; i < m->count; i++)
		failed &= ~m->proxies[i].sources_failed; /* the proxy's card shows these */
	text = m->answered && failed
		       ? reason_add(r, PAGE_WARNING, "Incomplete data", "WgsocksCollectorFailing")
		       : NULL;
	if (text) {
		text_puts(text, "Collectors failing: ");
		words_collectors(text, failed);
		text_puts(text, ".");
	}
	parts_words(r, e);
}
