// SPDX-License-Identifier: Apache-2.0
#include "web/response/pages.h"

#include <errno.h>
#include <time.h>

#include "web/page/page.h"

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

	self_metrics_fill(from->self, &pages->builder, 0);
	snapshot_view(&parts[0], &pages->builder);
	if (from->samples)
		parts[1] = *from->samples;
	return pages->builder.error ?: page_write(out, &source);
}

static int compressed(struct text *out, const struct pages_source *source, const struct body *plain)
{
	return plain ? gzip_write(source->gzip, out, &plain->text) : -ENOMEM;
}

/* The uncompressed page of the same source. */
static struct body *plain_get(struct pages *pages, const struct pages_source *source)
{
	struct pages_source plain = *source;

	plain.gzip = NULL;
	return pages_get(pages, &plain);
}

static int fill(struct pages *pages, struct text *out, const struct pages_source *source)
{
	struct body *plain;
	int r;

	if (!source->gzip)
		return render(pages, out, source);
	plain = plain_get(pages, source);
	r = compressed(out, source, plain);
	body_release(plain);
	return r;
}

static struct body *page_of_one(struct pages *pages, const struct pages_source *source)
{
	struct body *body = NULL;

	if (body_renew(&body) && !fill(pages, &body->text, source))
		return body;
	body_release(body);
	return NULL;
}

struct body *pages_get(struct pages *pages, const struct pages_source *source)
{
	struct pages_all *all = &pages->all[source->gzip != NULL];

	if (source->proxy)
		return page_of_one(pages, source);
	if (all->round != source->round) {
		all->round = source->round;
		all->good = body_renew(&all->body) && !fill(pages, &all->body->text, source);
	}
	return all->good ? body_use(all->body) : NULL;
}

void pages_free(struct pages *pages)
{
	snapshot_free(&pages->builder);
	body_release(pages->all[0].body);
	body_release(pages->all[1].body);
	*pages = (struct pages){ 0 };
}
