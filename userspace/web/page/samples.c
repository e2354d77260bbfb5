// SPDX-License-Identifier: Apache-2.0
#include "web/page/samples.h"

void page_top_add(struct page_top *top, const char *what, uint64_t count)
{
	struct page_top_entry *e = top->entries;
	unsigned int at = top->count;

	if (!count)
		return;
	while (at && e[at - 1].count < count)
		at--;
	if (at == PAGE_TOP) {
		top->rest += count;
		return;
	}
	if (top->count == PAGE_TOP)
		top->rest += e[--top->count].count;
	memmove(&e[at + 1], &e[at], (top->count - at) * sizeof(*e));
	e[at] = (struct page_top_entry){ .what = what, .count = count };
	top->count++;
}

/*
 * Families shown as one number for each proxy, summed over their other labels: enum page_number
 * + 1. 0: other families.
 */
static const uint8_t numbers[METRIC_MAX] = {
	[METRIC_PROXY_ACTIVE] = PAGE_ACTIVE + 1,
	[METRIC_PROXY_REQUEST_RATE] = PAGE_RATE + 1,
	[METRIC_PROXY_REQUESTS] = PAGE_REQUESTS + 1,
	[METRIC_PROXY_REQUESTS_SUCCESSFUL] = PAGE_SUCCESSFUL + 1,
	[METRIC_PROXY_REQUESTS_FAILED] = PAGE_FAILED + 1,
	[METRIC_PROXY_CLIENT_CONNECTIONS] = PAGE_CLIENTS + 1,
	[METRIC_PROXY_UPSTREAM_ACTIVE] = PAGE_UPSTREAM_ACTIVE + 1,
	[METRIC_PROXY_UPSTREAM_CONNECTS] = PAGE_UPSTREAM_CONNECTS + 1,
	[METRIC_PROXY_BYTES] = PAGE_BYTES + 1,
	[METRIC_VPN_RECEIVE_BYTES] = PAGE_RECEIVED + 1,
	[METRIC_VPN_TRANSMIT_BYTES] = PAGE_SENT + 1,
	[METRIC_LEAKED_CONNECTIONS] = PAGE_LEAKED + 1,
	[METRIC_LEAKED_DNS] = PAGE_LEAKED_DNS + 1,
	[METRIC_DNS_QUERIES] = PAGE_DNS_QUERIES + 1,
	[METRIC_DNS_UNANSWERED] = PAGE_DNS_UNANSWERED + 1,
};

static uint64_t value_of(const struct sample *sample)
{
	return sample->kind == SAMPLE_UNSIGNED ? sample->value.u : 0;
}

static double float_of(const struct sample *sample)
{
	return sample->kind == SAMPLE_FLOAT ? sample->value.f : (double)sample->value.u;
}

static const char *label(const struct snapshot *s, const struct sample *sample, unsigned int i)
{
	return s->strings + sample->labels[i];
}

bool samples_of_proxy(const struct sample *sample)
{
	const struct metric_family *family = metric_family(sample->family);

	return family->label_count && !strcmp(family->labels[0], "proxy_name");
}

/* ---- tunnels ---- */

static struct page_tunnel *tunnel_of(struct page_proxy *p, const struct snapshot *s,
				     const struct sample *sample)
{
	const char *interface = label(s, sample, 1);

	for (unsigned int i = 0; i < p->tunnel_count; i++)
		if (!strcmp(p->tunnels[i].interface, interface))
			return &p->tunnels[i];
	if (p->tunnel_count == ABI_TUNNELS_MAX)
		return NULL;
	p->tunnels[p->tunnel_count] =
		(struct page_tunnel){ .interface = interface, .state = TUNNEL_STATE_MAX };
	return &p->tunnels[p->tunnel_count++];
}

static void state_take(struct page_tunnel *t, const char *word)
{
	for (unsigned int state = 0; state < TUNNEL_STATE_MAX; state++)
		if (!strcmp(metric_tunnel_state(state), word))
			t->state = (enum tunnel_state)state;
}

static void handshake_take(uint64_t *count, const struct snapshot *s, const struct sample *sample,
			   unsigned int which)
{
	if (!strcmp(label(s, sample, 2), metric_handshake(which)))
		*count += value_of(sample);
}

static void tunnel_take(struct page_proxy *p, const struct snapshot *s, const struct sample *sample)
{
	struct page_tunnel *t = tunnel_of(p, s, sample);
	uint64_t value = value_of(sample);

	if (!t)
		return;
	switch (sample->family) {
	case METRIC_VPN_INTERFACE_UP: t->up = value; break;
	case METRIC_VPN_TUNNEL_STATE:
		if (value)
			state_take(t, label(s, sample, 2));
		break;
	case METRIC_VPN_PEER_INFO:
		t->peers++;
		t->peer = label(s, sample, 3);
		break;
	case METRIC_VPN_PEER_HANDSHAKE:
		t->handshake = value > t->handshake ? value : t->handshake;
		break;
	case METRIC_VPN_PEER_KEEPALIVE:
		t->keepalive = value > t->keepalive ? value : t->keepalive;
		break;
	case METRIC_VPN_HANDSHAKE_INITIATIONS:
		handshake_take(&t->begun, s, sample, ABI_HANDSHAKE_SENT);
		break;
	case METRIC_VPN_HANDSHAKE_RESPONSES:
		handshake_take(&t->answered, s, sample, ABI_HANDSHAKE_RECEIVED);
		break;
	}
}

/* ---- the rest of a proxy ---- */

static void destination_take(struct page_proxy *p, const struct snapshot *s,
			     const struct sample *sample)
{
	if (sample->family == METRIC_DESTINATION_RECEIVE) {
		p->destination = sample->labels[1];
		p->destination_received = value_of(sample);
	} else if (p->destination == sample->labels[1]) {
		page_top_add(&p->destinations, label(s, sample, 1),
			     p->destination_received + value_of(sample));
		p->destination_received = 0;
	}
}

static void attached_take(struct page_proxy *p, const struct snapshot *s,
			  const struct sample *sample)
{
	if (p->attached_count < PAGE_ATTACHED) {
		p->attached[p->attached_count] = label(s, sample, 1);
		p->attach_mode[p->attached_count] = label(s, sample, 2);
	}
	p->attached_count++;
}

static void failed_take(uint32_t *failed, const char *name, uint64_t success)
{
	for (unsigned int i = 0; i < COLLECTOR_MAX && !success; i++)
		if (!strcmp(config_collector_name(i), name))
			*failed |= 1u << i;
}

void samples_take_proxy(struct page_proxy *p, const struct snapshot *s, const struct sample *sample)
{
	uint64_t value = value_of(sample);

	if (numbers[sample->family]) {
		p->numbers[numbers[sample->family] - 1] += value;
		p->known |= 1u << (numbers[sample->family] - 1);
		return;
	}
	switch (sample->family) {
	case METRIC_PROXY_LISTENER_UP: p->listener_up = value; break;
	case METRIC_VPN_STATUS: p->usable = value; break;
	case METRIC_PROXY_REQUEST_FAILURES:
		page_top_add(&p->failures, label(s, sample, 1), value);
		break;
	case METRIC_PROXY_UPSTREAM_FAILURES:
		page_top_add(&p->upstream_failures, label(s, sample, 1), value);
		break;
	case METRIC_COMPAT_LATENCY: p->latency_ms = float_of(sample); break;
	case METRIC_DESTINATION_RECEIVE:
	case METRIC_DESTINATION_TRANSMIT: destination_take(p, s, sample); break;
	case METRIC_ATTACH_MODE: attached_take(p, s, sample); break;
	case METRIC_SOURCE_SUCCESS:
		failed_take(&p->sources_failed, label(s, sample, 1), value);
		break;
	case METRIC_KUBERNETES_INFO:
		p->kubernetes_namespace = label(s, sample, 1);
		p->pod = label(s, sample, 2);
		break;
	case METRIC_VPN_INTERFACE_UP:
	case METRIC_VPN_TUNNEL_STATE:
	case METRIC_VPN_PEER_INFO:
	case METRIC_VPN_PEER_HANDSHAKE:
	case METRIC_VPN_PEER_KEEPALIVE:
	case METRIC_VPN_HANDSHAKE_INITIATIONS:
	case METRIC_VPN_HANDSHAKE_RESPONSES: tunnel_take(p, s, sample); break;
	}
}

void samples_take_exporter(struct page_exporter *e, const struct snapshot *s,
			   const struct sample *sample)
{
	uint64_t value = value_of(sample);

	switch (sample->family) {
	case METRIC_PROGRAM_UP:
		e->programs++;
		page_top_add(&e->programs_down, label(s, sample, 0), !value);
		break;
	case METRIC_EVENTS_LOST:
		page_top_add(&e->lost, label(s, sample, 0), value);
		e->lost_total += value;
		break;
	case METRIC_PROCESS_RESTARTS: page_top_add(&e->restarts, label(s, sample, 0), value); break;
	case METRIC_LISTENING: page_top_add(&e->not_listening, label(s, sample, 1), !value); break;
	case METRIC_COLLECTOR_SUCCESS:
		failed_take(&e->collectors_failed, label(s, sample, 0), value);
		break;
	case METRIC_PINNED: e->pinned = value; break;
	case METRIC_PROXIES_UNWATCHED: e->unwatched = value; break;
	case METRIC_BPF_MEMORY: e->kernel_bytes = value; break;
	case METRIC_PROCESS_RESIDENT: e->resident_bytes = value; break;
	case METRIC_PROCESS_START_TIME: e->started = float_of(sample); break;
	}
}
