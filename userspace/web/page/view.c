// SPDX-License-Identifier: Apache-2.0
/* The data shared by all parts of the page. */
#include "web/page/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/time.h"
#include "web/page/html.h"

const char *view_class(enum page_level level)
{
	static const char *const classes[PAGE_LEVELS] = { "g", "l", "t" };

	return classes[level];
}

void view_reasons(struct text *out, const struct page_reasons *r)
{
	if (!r->count)
		return;
	text_puts(out, "<ul class=why>\n");
	for (unsigned int i = 0; i < r->count; i++) {
		const struct page_reason *reason = &r->reasons[i];

		text_printf(out, "<li class=%s>", view_class(reason->level));
		html_escape_bytes(out, reason->text.data, reason->text.size);
		if (reason->runbook)
			text_printf(out, " <small>Runbook: docs/runbooks/%s.md</small>",
				    reason->runbook);
		text_puts(out, "\n");
	}
	text_puts(out, "</ul>\n");
}

static int entry_order(const void *a, const void *b)
{
	const struct page_entry *one = *(struct page_entry *const *)a,
				*other = *(struct page_entry *const *)b;

	if (one->level != other->level)
		return one->level > other->level ? -1 : 1;
	return strverscmp(one->proxy->name, other->proxy->name);
}

int view_fill(struct page_view *v, const struct page_source *source)
{
	uint64_t heard_ns = source->shared->processes[PROCESS_COLLECTOR].heartbeat_ns;
	int r;

	*v = (struct page_view){ .source = source };
	r = model_fill(&v->model, source);
	if (r)
		return r;
	v->silent_s = source->now_ns > heard_ns ? (source->now_ns - heard_ns) / NS_PER_S : 0;
	v->entries = calloc(v->model.count ? v->model.count : 1, sizeof(*v->entries));
	v->sorted = calloc(v->model.count ? v->model.count : 1, sizeof(void *));
	if (!v->entries || !v->sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->model.count; i++) {
		struct page_entry *entry = &v->entries[i];

		entry->proxy = &v->model.proxies[i];
		words_proxy(&entry->reasons, entry->proxy, source->time_s);
		entry->level = words_level(&entry->reasons);
		v->by_level[entry->level]++;
		v->sorted[i] = entry;
	}
	qsort(v->sorted, v->model.count, sizeof(struct page_entry *), entry_order);
	words_exporter(&v->exporter, &v->model, v->silent_s);
	return 0;
}

void view_free(struct page_view *v)
{
	for (uint32_t i = 0; v->entries && i < v->model.count; i++)
		words_free(&v->entries[i].reasons);
	words_free(&v->exporter);
	free(v->entries);
	free(v->sorted);
	model_free(&v->model);
}
