// SPDX-License-Identifier: Apache-2.0
#include "page.h"

#include <stdlib.h>

#include "wgsocks/cleanup.h"
#include "wgsocks/version.h"

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>wgsocks_exporter</title>\n<style>\n"
	":root { color-scheme: light dark; }\n"
	"body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }\n"
	"table { border-collapse: collapse; width: 100%; }\n"
	"th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; }\n"
	"td:first-child { overflow-wrap: anywhere; }\n"
	".good { color: #0a7d33; } .bad { color: #d0342c; }\n"
	"@media (prefers-color-scheme: dark) { .good { color: #4cc274; } .bad { color: #ff7b72; } }\n"
	"</style>\n</head>\n<body>\n<h1>wgsocks_exporter</h1>\n";

void page_escape(struct text *out, const char *string)
{
	for (; *string; string++) {
		switch (*string) {
		case '&': text_puts(out, "&amp;"); break;
		case '<': text_puts(out, "&lt;"); break;
		case '>': text_puts(out, "&gt;"); break;
		case '"': text_puts(out, "&quot;"); break;
		case '\'': text_puts(out, "&#39;"); break;
		default: text_add(out, string, 1);
		}
	}
}

static const char *tunnel_words(uint32_t tunnel, bool *good)
{
	*good = tunnel == HEALTH_TUNNEL_UP || tunnel == HEALTH_TUNNEL_IDLE || tunnel == HEALTH_TUNNEL_NEVER;
	switch (tunnel) {
	case HEALTH_TUNNEL_UP: return "up";
	case HEALTH_TUNNEL_IDLE: return "idle";
	case HEALTH_TUNNEL_NEVER: return "not needed yet";
	case HEALTH_TUNNEL_STALE: return "stale";
	case HEALTH_TUNNEL_NO_PEER: return "no peer";
	case HEALTH_TUNNEL_NO_INTERFACE: return "no interface";
	case HEALTH_TUNNEL_INTERFACE_DOWN: return "interface down";
	}
	return "unknown";
}

static void cell_write(struct text *out, const char *words, bool good)
{
	text_printf(out, "<td class=\"%s\">%s</td>", good ? "good" : "bad", words);
}

static void proxies_write(struct text *out, const struct shared *shared)
{
	_cleanup_free_ struct health_proxy *proxies = NULL;
	int count = 0;

	/* calloc: large ones come from the kernel and only the pages that are filled cost anything. */
	proxies = calloc(shared->proxies_max, sizeof(*proxies));
	if (proxies)
		count = health_board_copy(shared, proxies, shared->proxies_max);
	if (count <= 0) {
		text_puts(out, "<p>No proxy is known yet.</p>\n");
		return;
	}
	text_puts(out, "<table>\n<thead><tr><th>Proxy</th><th>Tunnel</th><th>Interface</th><th>SOCKS listener</th></tr>"
		       "</thead>\n<tbody>\n");
	for (int i = 0; i < count; i++) {
		bool good;
		const char *words = tunnel_words(proxies[i].tunnel, &good);

		text_puts(out, "<tr><td>");
		page_escape(out, proxies[i].name);
		text_puts(out, "</td>");
		cell_write(out, words, good);
		text_puts(out, "<td>");
		page_escape(out, *proxies[i].interface ? proxies[i].interface : "–");
		text_puts(out, "</td>");
		cell_write(out, proxies[i].listener_up ? "up" : "down", proxies[i].listener_up);
		text_puts(out, "</tr>\n");
	}
	text_puts(out, "</tbody>\n</table>\n");
}

void page_write(struct text *out, const struct config *config, const struct shared *shared, bool ready, uint64_t now_ns)
{
	text_puts(out, page_head);
	text_puts(out, "<p>SOCKS proxies behind WireGuard tunnels, for Prometheus. Version ");
	page_escape(out, version_string);
	text_puts(out, " (");
	page_escape(out, version_revision);
	text_puts(out, ", ");
	page_escape(out, version_arch);
	text_puts(out, ").</p>\n<ul>\n<li><a href=\"");
	page_escape(out, config->telemetry_path);
	text_puts(out, "\">Metrics</a></li>\n<li><a href=\"/-/healthy\">Health</a> of this server</li>\n"
		       "<li><a href=\"/-/ready\">Readiness</a>: ");
	text_puts(out, ready ? "<span class=\"good\">ready</span>" : "<span class=\"bad\">not scraped lately</span>");
	text_puts(out, "</li>\n</ul>\n<h2>Proxies</h2>\n");
	if (!process_alive(shared, PROCESS_COLLECTOR, now_ns))
		text_puts(out, "<p class=\"bad\">The collector is silent: this is the last that it said.</p>\n");
	proxies_write(out, shared);
	text_puts(out, "</body>\n</html>\n");
}
