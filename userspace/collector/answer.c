// SPDX-License-Identifier: Apache-2.0
/*
 * Builds a snapshot on request. Nothing here discovers, forks or waits, except for userspace
 * WireGuard devices: at most WIREGUARD_WAIT_NS. Web sends only a mask and a deadline.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/readers/readers.h"
#include "collector/state.h"
#include "lib/log/log.h"
#include "lib/metrics/metrics.h"
#include "lib/time.h"

#define BLOCK_BYTES_MIN (64 * 1024)

#define READER_(id, name, ...) samples_##name,
static int (*const readers[])(const struct reading *r) = { COLLECTORS(READER_) };
#undef READER_

/* Bits of the collectors that do not read the kernel side. */
#define BPF(...) 0u
#define USERSPACE 1u
#define FROM_USERSPACE_(id, name, on, help, source) | source << COLLECTOR_##id
static const uint32_t from_userspace = 0 COLLECTORS(FROM_USERSPACE_);
#undef FROM_USERSPACE_
#undef USERSPACE
#undef BPF

/* Result of one collector, over all proxies. */
struct outcome {
	int error;
	uint64_t took_ns;
};

static void read_one(struct collector *c, const struct reading *r, unsigned int which,
		     struct outcome *outcome)
{
	struct snapshot_builder *b = &c->builder, before = *b;
	uint64_t start = clock_now_ns();
	bool readable = r->netns->started || from_userspace & 1u << which;
	int error = readable ? readers[which](r) : -ENOTCONN;
	uint32_t labels[2] = { r->name };

	if (error < 0) { /* drop samples of a partial read */
		b->sample_count = before.sample_count;
		b->histogram_count = before.histogram_count;
	}
	if (error)
		log_debug("cannot read collector", field_text("proxy", r->netns->name),
			  field_text("collector", config_collector_name(which)),
			  field_error(error));
	labels[1] = snapshot_string(b, config_collector_name(which));
	snapshot_add_unsigned(b, METRIC_SOURCE_SUCCESS, labels, !error);
	outcome->error = outcome->error ?: error;
	outcome->took_ns += clock_now_ns() - start;
}

static void read_all(struct collector *c, unsigned int which)
{
	struct reading r = { .kernel = &c->kernel,
			     .destinations = &c->destinations,
			     .to = &c->builder };
	struct outcome outcome = {};
	uint32_t label;

	r.second = clock_now_ns() / NS_PER_S;
	for (uint32_t i = 0; i < c->proxies.count; i++) {
		r.netns = &c->proxies.managed[i]->netns;
		r.name = c->names[i];
		read_one(c, &r, which, &outcome);
	}
	label = snapshot_string(&c->builder, config_collector_name(which));
	snapshot_add_unsigned(&c->builder, METRIC_COLLECTOR_SUCCESS, &label, !outcome.error);
	snapshot_add_float(&c->builder, METRIC_COLLECTOR_DURATION, &label,
			   (double)outcome.took_ns / NS_PER_S);
}

static void read_histories(struct collector *c)
{
	struct reading r = { .kernel = &c->kernel, .to = &c->builder };

	for (uint32_t i = 0; i < c->proxies.count; i++) {
		r.netns = &c->proxies.managed[i]->netns;
		r.name = c->names[i];
		samples_history(&r);
	}
}

void collector_read(struct collector *c, uint32_t mask)
{
	struct snapshot_builder *b = &c->builder;
	bool history = mask & SNAPSHOT_HISTORY;

	mask &= c->child->config->collectors;
	snapshot_reset(b);
	for (uint32_t i = 0; i < c->proxies.count; i++)
		c->names[i] = snapshot_string(b, c->proxies.managed[i]->netns.name);
	if (mask & 1u << COLLECTOR_WIREGUARD)
		proxies_wireguard(&c->proxies);
	for (unsigned int i = 0; i < COLLECTOR_MAX; i++) {
		if (mask & 1u << i)
			read_all(c, i);
	}
	if (history)
		read_histories(c);
	for (uint32_t i = 0; i < c->proxies.count;
	     i++) { /* after the WireGuard read, which determines the state of the tunnel */
		struct reading r = { .netns = &c->proxies.managed[i]->netns,
				     .to = b,
				     .name = c->names[i] };

		samples_presence(&r);
		samples_kubernetes(&r, &c->proxies.managed[i]->identity,
				   c->proxies.identities.node);
	}
	collector_read_self_metrics(c);
}

/* The memfd grows and never shrinks (it is sealed): web may be reading it. */
static int block_reserve(struct collector *c, size_t bytes)
{
	size_t wanted = c->block_bytes ?: BLOCK_BYTES_MIN;
	void *block;

	if (bytes <= c->block_bytes)
		return 0;
	while (wanted < bytes)
		wanted *= 2;
	if (ftruncate(c->child->snapshot, wanted) &&
	    errno != EPERM) /* EPERM: an earlier collector may have made it larger */
		return -errno;
	block = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, c->child->snapshot, 0);
	if (block == MAP_FAILED)
		return -errno;
	if (c->block)
		munmap(c->block, c->block_bytes);
	c->block = block;
	c->block_bytes = wanted;
	return 0;
}

static uint64_t snapshot_put(struct collector *c, uint64_t id)
{
	int64_t length = snapshot_length(&c->builder);
	int r = length < 0 ? (int)length : block_reserve(c, length);

	if (r) {
		log_warn("cannot write snapshot", field_error(r));
		return 0;
	}
	snapshot_write(&c->builder, id, c->block);
	return length;
}

void collector_answer(struct collector *c)
{
	struct snapshot_request request, last = {};
	struct snapshot_answer answer;
	bool asked = false;
	ssize_t n;

	/* Answers only the newest request: web has given up on older ones. */
	while ((n = recv(c->child->channel, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC)) >=
	       0) {
		if (n != sizeof(request))
			continue;
		last = request;
		asked = true;
	}
	if (!asked || clock_now_ns() >= last.deadline_ns)
		return;
	collector_read(c, last.mask);
	answer.id = last.id;
	answer.length = snapshot_put(c, last.id);
	if (send(c->child->channel, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("cannot answer web", field_error(errno));
}
