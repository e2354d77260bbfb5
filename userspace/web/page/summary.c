// SPDX-License-Identifier: Apache-2.0
/* The summary at the top: how many proxies have problems, which ones, and why. */
#include <inttypes.h>

#include "web/page/html.h"
#include "web/page/view.h"

#define ITEMS_MAX 10 /* different problems in the list */

enum page_level summary_level(const struct page_view *v)
{
	enum page_level level = words_level(&v->exporter);

	for (unsigned int l = PAGE_WARNING; l < PAGE_LEVELS; l++)
		if (v->by_level[l] && l > level)
			level = (enum page_level)l;
	return level;
}

/* "2 of 200 proxies have problems, 1 needs attention" */
void summary_words(struct text *out, const struct page_view *v)
{
	uint32_t trouble = v->by_level[PAGE_TROUBLE], warning = v->by_level[PAGE_WARNING],
		 all = v->model.count;

	if (!v->model.answered)
		text_puts(out, "The collector does not answer. Last known state:  ");
	if (!all) {
		text_puts(out, v->model.answered ? "No proxy found yet" : "no proxy");
	} else if (all == 1 && trouble + warning) {
		html_escape(out, v->model.proxies[0].name);
		text_puts(out, trouble ? " has a problem" : " needs attention");
	} else if (trouble) {
		text_printf(out, "%" PRIu32 " of %" PRIu32 " proxies %s", trouble, all,
			    trouble == 1 ? "has a problem" : "have problems");
		if (warning)
			text_printf(out, ", %" PRIu32 " need%s attention", warning,
				    warning == 1 ? "s" : "");
	} else if (warning) {
		text_printf(out, "%" PRIu32 " of %" PRIu32 " proxies need%s attention", warning,
			    all, warning == 1 ? "s" : "");
	} else if (all == 1) {
		html_escape(out, v->model.proxies[0].name);
		text_puts(out, " works");
	} else {
		text_printf(out, "%s %" PRIu32 " proxies work", v->model.answered ? "All" : "all",
			    all);
	}
	if (v->model.answered && words_level(&v->exporter) == PAGE_TROUBLE)
		text_puts(out, "; the exporter is not counting");
	else if (v->model.answered && v->exporter.count)
		text_puts(out, "; the exporter needs attention");
}

static const struct text *first_words(const struct page_entry *entry)
{
	return &entry->reasons.reasons[0].text;
}

/* Counts the later proxies with the same reason, and marks them as already in the summary. */
static uint32_t same_mark(const struct page_view *v, uint32_t at, uint32_t troubled)
{
	const struct text *words = first_words(v->sorted[at]);
	uint32_t count = 0;

	for (uint32_t i = at + 1; i < troubled; i++) {
		const struct text *others = first_words(v->sorted[i]);

		if (v->sorted[i]->in_summary || others->size != words->size ||
		    memcmp(others->data, words->data, words->size) != 0)
			continue;
		v->sorted[i]->in_summary = true;
		count++;
	}
	return count;
}

/* One list item for each different problem, ITEMS_MAX at most. */
static void items_write(struct text *out, const struct page_view *v)
{
	uint32_t troubled = v->by_level[PAGE_TROUBLE] + v->by_level[PAGE_WARNING], left = troubled;

	for (uint32_t i = 0, items = 0; i < troubled && items < ITEMS_MAX; i++) {
		const struct page_entry *entry = v->sorted[i];
		uint32_t others;

		if (entry->in_summary)
			continue;
		others = same_mark(v, i, troubled);
		left -= others + 1;
		items++;
		text_printf(out, "<li class=%s><a href=?proxy=", view_class(entry->level));
		html_query(out, entry->proxy->name);
		text_puts(out, ">");
		html_escape(out, entry->proxy->name);
		text_puts(out, "</a>");
		if (others)
			text_printf(out, " and %" PRIu32 " other%s", others, others > 1 ? "s" : "");
		text_puts(out, ": ");
		html_escape_bytes(out, first_words(entry)->data, first_words(entry)->size);
		text_puts(out, "\n");
	}
	if (left)
		text_printf(out, "<li>and %" PRIu32 " more, at the top of the table below\n", left);
}

void summary_write(struct text *out, const struct page_view *v)
{
	/* The card of a single proxy shows its reasons. */
	bool in_summary =
		!v->source->proxy && v->model.count > 1 && v->by_level[PAGE_GOOD] < v->model.count;

	text_printf(out, "<section class=\"sum %s\"><h2 aria-live=polite>",
		    view_class(summary_level(v)));
	summary_words(out, v);
	text_puts(out, "</h2>\n");
	text_puts(out, in_summary || v->exporter.count ? "<ul class=why>\n" : "");
	if (in_summary)
		items_write(out, v);
	for (unsigned int i = 0; i < v->exporter.count; i++) {
		const struct page_reason *reason = &v->exporter.reasons[i];

		text_printf(out, "<li class=%s>The exporter: ", view_class(reason->level));
		html_escape_bytes(out, reason->text.data, reason->text.size);
		text_puts(out, "\n");
	}
	text_puts(out, in_summary || v->exporter.count ? "</ul></section>\n" : "</section>\n");
}
