// SPDX-License-Identifier: Apache-2.0
#include "pages.h"

#include <time.h>

#include "page/page.h"

static int render(struct pages *pages, struct text *out, const struct pages_source *from)
{
	struct snapshot parts[2];
	struct page_source source = {
		.config = from->self->config,
		.shared = from->self->shared,
		.parts = parts,
		.part_count = from->samples ? 2 : 1,
		.proxy = from->proxy,
		.now_ns = from->now_ns,
		.time_s = (uint64_t)time(NULL),
	};

	self_fill(from->self, &pages->builder, 0);
	snapshot_view(&parts[0], &pages->builder);
	if (from->samples)
		parts[1] = *from->samples;
	return pages->builder.error ?: page_write(out, &source);
}

static struct body *page_of_one(struct pages *pages, const struct pages_source *source)
{
	struct body *body = NULL;

	if (body_renew(&body) && !render(pages, &body->text, source))
		return body;
	body_release(body);
	return NULL;
}

struct body *pages_get(struct pages *pages, const struct pages_source *source)
{
	if (source->proxy)
		return page_of_one(pages, source);
	if (pages->round != source->round) {
		pages->round = source->round;
		pages->good = body_renew(&pages->all) && !render(pages, &pages->all->text, source);
	}
	return pages->good ? body_use(pages->all) : NULL;
}

void pages_free(struct pages *pages)
{
	snapshot_free(&pages->builder);
	body_release(pages->all);
	*pages = (struct pages){ 0 };
}
