/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the page, each of which appends itself. */
#pragma once

#include "web/page/words.h"

struct page_entry {
	const struct page_proxy *proxy;
	struct page_reasons reasons;
	enum page_level level;
	bool in_summary; /* in the summary, with another that has the same trouble */
};

struct page_view {
	const struct page_source *source;
	struct page_model model;
	struct page_entry *entries;
	struct page_entry **sorted; /* all of them; trouble first, then by name */
	uint32_t by_level[PAGE_LEVELS];
	struct page_reasons exporter;
	uint64_t silent_s; /* the collector */
};

/* Reads the samples and sorts the proxies. Returns 0 or -ENOMEM; view_free in either case. */
int view_fill(struct page_view *view, const struct page_source *source);
void view_free(struct page_view *view);

/* The class of a level: "g", "l", "t". */
const char *view_class(enum page_level level);

/* The reasons as list items, the runbook beside each. */
void view_reasons(struct text *out, const struct page_reasons *reasons);

/* summary.c: the worst there is; one line that says it; that line and the reasons. */
enum page_level summary_level(const struct page_view *view);
void summary_words(struct text *out, const struct page_view *view);
void summary_write(struct text *out, const struct page_view *view);

/* table.c: all proxies, a row each. */
void table_write(struct text *out, const struct page_view *view);

/* card.c: one proxy in full. */
void card_write(struct text *out, const struct page_view *view, const struct page_entry *entry);

/* chart_figure.c: its charts, with their numbers in words; nothing without a history. */
void charts_write(struct text *out, const struct page_proxy *p);

/* exporter.c: how the exporter itself does; what the words mean. */
void exporter_write(struct text *out, const struct page_view *view);
void glossary_write(struct text *out);

/* Seconds since something, 0 when it is in the future. */
static inline uint64_t view_age(const struct page_view *view, uint64_t then_s)
{
	return view->source->time_s > then_s ? view->source->time_s - then_s : 0;
}
