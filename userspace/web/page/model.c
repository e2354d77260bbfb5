// SPDX-License-Identifier: Apache-2.0
#include "web/page/model.h"

#include <errno.h>
#include <stdlib.h>

#include "web/page/samples.h"

static int offset_order(const void *a, const void *b)
{
	const struct page_proxy *one = *(struct page_proxy *const *)a,
				*other = *(struct page_proxy *const *)b;

	return one->offset < other->offset ? -1 : one->offset > other->offset;
}

/* The proxies of a snapshot. */
static int proxies_find(struct page_model *m, const struct snapshot *s, uint32_t most)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->sample_count; i++)
		count += s->samples[i].family == METRIC_PROXY_INFO;
	if (count > most)
		count = most;
	m->proxies = calloc(count ? count : 1, sizeof(*m->proxies));
	m->by_offset = calloc(count ? count : 1, sizeof(void *));
	if (!m->proxies || !m->by_offset)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->sample_count && m->count < count; i++) {
		struct page_proxy *p = &m->proxies[m->count];

		if (s->samples[i].family != METRIC_PROXY_INFO)
			continue;
		p->offset = s->samples[i].labels[0];
		p->name = s->strings + p->offset;
		p->latency_ms = -1;
		m->by_offset[m->count++] = p;
	}
	qsort(m->by_offset, m->count, sizeof(struct page_proxy *), offset_order);
	return 0;
}

static struct page_proxy *proxy_find(struct page_model *m, uint32_t offset)
{
	uint32_t low = 0, high = m->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->by_offset[middle]->offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->count && m->by_offset[low]->offset == offset ? m->by_offset[low] : NULL;
}

static void histories_take(struct page_model *m, const struct snapshot *s)
{
	for (uint32_t i = 0; i < s->history_count; i++) {
		const struct sample_history *h = &s->histories[i];
		struct page_proxy *p = proxy_find(m, h->name);

		if (!p || p->history)
			continue;
		p->history = h;
		for (uint32_t step = SNAPSHOT_STEPS - h->known; step < SNAPSHOT_STEPS; step++) {
			p->ended += (uint64_t)h->successful[step] + h->failed[step];
			p->failed += h->failed[step];
		}
	}
}

static void part_take(struct page_model *m, const struct snapshot *s)
{
	struct page_proxy *p = NULL;

	for (uint32_t i = 0; i < s->sample_count; i++) {
		const struct sample *sample = &s->samples[i];

		if (sample->kind == SAMPLE_HISTOGRAM)
			continue;
		if (!samples_of_proxy(sample)) {
			samples_take_exporter(&m->exporter, s, sample);
			continue;
		}
		/* The samples of one proxy follow each other. */
		if (!p || p->offset != sample->labels[0])
			p = proxy_find(m, sample->labels[0]);
		if (p)
			samples_take_proxy(p, s, sample);
	}
}

/* ---- without a snapshot: the health board, which also answers probes ---- */

static const struct {
	enum tunnel_state state;
	bool usable;
} board_tunnels[] = {
	[HEALTH_TUNNEL_UNKNOWN] = { TUNNEL_STATE_MAX, false },
	[HEALTH_TUNNEL_UP] = { TUNNEL_UP, true },
	[HEALTH_TUNNEL_IDLE] = { TUNNEL_IDLE, true },
	[HEALTH_TUNNEL_NEVER] = { TUNNEL_NEVER, true },
	[HEALTH_TUNNEL_STALE] = { TUNNEL_STALE, false },
	[HEALTH_TUNNEL_NO_PEER] = { TUNNEL_NO_PEER, false },
	[HEALTH_TUNNEL_NO_INTERFACE] = { TUNNEL_NO_INTERFACE, false },
	[HEALTH_TUNNEL_INTERFACE_DOWN] = { TUNNEL_NO_INTERFACE, false },
};

static int board_take(struct page_model *m, const struct page_source *source)
{
	const struct shared *shared = source->shared;
	int count;

	/*
	 * calloc takes large blocks from the kernel: only pages that are written use memory.
	 */
	m->board = calloc(shared->proxies_max, sizeof(*m->board));
	count = m->board ? health_board_copy(shared, m->board, shared->proxies_max) : -ENOMEM;
	m->proxies = calloc(count > 0 ? (size_t)count : 1, sizeof(*m->proxies));
	if (!m->board || !m->proxies)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		const struct health_proxy *h = &m->board[i];
		struct page_proxy *p = &m->proxies[m->count++];
		uint32_t tunnel = h->tunnel <= HEALTH_TUNNEL_INTERFACE_DOWN ? h->tunnel
									    : HEALTH_TUNNEL_UNKNOWN;

		p->name = h->name;
		p->latency_ms = -1;
		p->listener_up = h->listener_up;
		p->usable = board_tunnels[tunnel].usable;
		p->tunnels[0].interface = *h->interface ? h->interface : source->config->interface;
		p->tunnels[0].state = board_tunnels[tunnel].state;
		p->tunnels[0].up = tunnel < HEALTH_TUNNEL_NO_INTERFACE;
		p->tunnel_count = 1;
	}
	return 0;
}

int model_fill(struct page_model *m, const struct page_source *source)
{
	int r;

	*m = (struct page_model){ .answered = source->part_count > 1 };
	if (m->answered)
		r = proxies_find(m, &source->parts[1], source->config->proxies_max);
	else
		r = board_take(m, source);
	if (r)
		return r;
	if (m->answered)
		histories_take(m, &source->parts[1]);
	for (size_t i = 0; i < source->part_count; i++)
		part_take(m, &source->parts[i]);
	return 0;
}

void model_free(struct page_model *m)
{
	free(m->proxies);
	free(m->by_offset);
	free(m->board);
	*m = (struct page_model){ 0 };
}
