/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the page; each function appends its own part. */
#pragma once

#include "web/page/words.h"

struct page_entry {
	const struct page_proxy *proxy;
	struct page_reasons reasons;
	enum page_level level;
	bool in_summary; /* already in the summary, with another proxy that has the same problem */
};

struct page_view {
	const struct page_source *source;
	struct page_model model;
	struct page_entry *entries;
	struct page_entry **sorted; /* all entries: worst level first, then by name */
	uint32_t by_level[PAGE_LEVELS];
	struct page_reasons exporter;
	uint64_t silent_s; /* seconds since the collector's last heartbeat */
};

/* Reads the samples and sorts the proxies. Returns 0 or -ENOMEM; call view_free in both cases. */
int view_fill(struct page_view *view, const struct page_source *source);
void view_free(struct page_view *view);

/* The CSS class of a level: "g", "l", "t". */
const char *view_class(enum page_level level);

/* Appends the reasons as list items, each with its runbook. */
void view_reasons(struct text *out, const struct page_reasons *reasons);

/* summary.c: the worst level; the summary as one line; the whole summary section. */
enum page_level summary_level(const struct page_view *view);
void summary_words(struct text *out, const struct page_view *view);
void summary_write(struct text *out, const struct page_view *view);

/* table.c: one row for each proxy. */
void table_write(struct text *out, const struct page_view *view);

/* card.c: all details of one proxy. */
void card_write(struct text *out, const struct page_view *view, const struct page_entry *entry);

/* chart_figure.c: the charts of a proxy, each with its numbers as text. */
void charts_write(struct text *out, const struct page_proxy *p);

/* exporter.c: the state of the exporter; the glossary. */
void exporter_write(struct text *out, const struct page_view *view);
void glossary_write(struct text *out);

/* Seconds since `then_s` (Unix time); 0 if it is in the future. */
static inline uint64_t view_age(const struct page_view *view, uint64_t then_s)
{
	return view->source->time_s > then_s ? view->source->time_s - then_s : 0;
}
