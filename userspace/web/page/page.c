// SPDX-License-Identifier: Apache-2.0
#include "web/page/page.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/time.h"
#include "page-assets.h"
#include "web/page/html.h"
#include "web/page/view.h"

#define CARDS_MAX 8 /* with more proxies, the page has the table only */

uint32_t page_mask(const struct config *config)
{
	return config->collectors | SNAPSHOT_HISTORY;
}

const char *page_policy(void)
{
	return "default-src 'none'; style-src " PAGE_CSS_HASH "; script-src " PAGE_JS_HASH
	       "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
	       "frame-ancestors 'none'";
}

static void head_write(struct text *out, const struct page_view *v)
{
	static const char *const colours[PAGE_LEVELS] = { "1a7f45", "b7791f", "c9302c" };

	text_printf(
		out,
		"<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
		"<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=color-scheme content=\"light dark\">\n"
		"<link rel=icon href=\"data:image/svg+xml,%%3Csvg "
		"xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 "
		"8'%%3E%%3Ccircle cx='4' cy='4' r='4' fill='%%23%s'/%%3E%%3C/svg%%3E\">\n<title>",
		colours[summary_level(v)]);
	summary_words(out, v);
	text_puts(out,
		  " – wgsocks_exporter</title>\n<style>" PAGE_CSS "</style>\n</head>\n<body>\n");
}

static void header_write(struct text *out, const struct page_view *v)
{
	time_t now = (time_t)v->source->time_s;
	struct tm tm;

	gmtime_r(&now, &tm);
	text_puts(out, "<header><h1>");
	text_puts(out, v->source->proxy ? "<a href=/>wgsocks_exporter</a>" : "wgsocks_exporter");
	text_printf(out,
		    "</h1>\n<p>As of <time datetime=%04d-%02d-%02dT%02d:%02d:%02dZ>%02d:%02d:%02d "
		    "UTC</time>. "
		    "<span id=live>Reload to update.</span></p></header>\n",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void one_write(struct text *out, const struct page_view *v)
{
	for (uint32_t i = 0; i < v->model.count; i++) {
		if (strcmp(v->entries[i].proxy->name, v->source->proxy) != 0)
			continue;
		card_write(out, v, &v->entries[i]);
		return;
	}
	text_puts(out, "<section><h2>Unknown proxy</h2>\n<p>No proxy named <b>");
	html_escape(out, v->source->proxy);
	text_puts(out, "</b> is watched now.</p></section>\n");
}

static void all_write(struct text *out, const struct page_view *v)
{
	if (v->model.count > 1)
		table_write(out, v);
	for (uint32_t i = 0; i < v->model.count && v->model.count <= CARDS_MAX; i++)
		card_write(out, v, v->sorted[i]);
	exporter_write(out, v);
	glossary_write(out);
}

int page_write(struct text *out, const struct page_source *source)
{
	struct page_view view;
	int r = view_fill(&view, source);

	if (!r) {
		head_write(out, &view);
		header_write(out, &view);
		text_puts(out, "<main>\n");
		summary_write(out, &view);
		if (source->proxy) {
			text_puts(out, "<p><a href=/>All proxies</a></p>\n");
			one_write(out, &view);
		} else {
			all_write(out, &view);
		}
		text_puts(out, "</main>\n<script>" PAGE_JS "</script>\n</body>\n</html>\n");
		r = out->error;
	}
	view_free(&view);
	return r;
}
