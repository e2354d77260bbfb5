// SPDX-License-Identifier: Apache-2.0
#include "reconcile.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "wgsocks.skel.h"
#include "wgsocks/cleanup.h"
#include "wgsocks/shared.h"

#define ADD(field, n) __atomic_fetch_add(&(field), n, __ATOMIC_RELAXED)

/* Walks every socket of the host through our program. */
static int iterate(struct kernel *kernel)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options);
	_cleanup_close_ int link = -1, iterator = -1;
	char nothing[64];
	ssize_t n;

	link = bpf_link_create(bpf_program__fd(kernel->skeleton->progs.reconcile), 0, BPF_TRACE_ITER, &options);
	if (link < 0)
		return -errno;
	iterator = bpf_iter_create(link);
	if (iterator < 0)
		return -errno;
	while ((n = read(iterator, nothing, sizeof(nothing))) > 0 || (n < 0 && errno == EINTR))
		;
	return n < 0 ? -errno : 0;
}

static struct proxy_counters *counters_of(const struct kernel *kernel, uint16_t slot)
{
	return slot < kernel->config->proxies_max ? &kernel->counters[slot] : NULL;
}

/* As the programs do at CLOSE: the one whose delete succeeds counts. */
static bool end_session(struct kernel *kernel, const struct session_key *key, const struct session *s)
{
	struct proxy_counters *c = counters_of(kernel, key->slot);
	const struct dialogue *d = &s->dialogue;

	if (!c || bpf_map_delete_elem(bpf_map__fd(kernel->skeleton->maps.sessions), key))
		return false;
	ADD(c->client_active, -1);
	ADD(c->losses[ABI_LOSS_RECURSION], 1);
	if (!s->adopted && d->requested && !d->settled) { /* how it ended, nobody knows */
		ADD(c->failures[ABI_FAILURE_OTHER], 1);
		ADD(c->request_duration[ABI_OUTCOME_FAILURE].buckets[ABI_HISTOGRAM_BUCKETS - 1], 1);
	}
	return true;
}

static bool end_upstream(struct kernel *kernel, uint64_t key, const struct upstream *u)
{
	struct proxy_counters *c = counters_of(kernel, u->slot);

	if (!c || bpf_map_delete_elem(bpf_map__fd(kernel->skeleton->maps.upstreams), &key))
		return false;
	if (u->established) {
		ADD(c->upstream_active, -1);
	} else {
		ADD(c->upstream_pending, -1);
		ADD(c->upstream_failures[ABI_UPSTREAM_OTHER], 1);
	}
	ADD(c->losses[ABI_LOSS_RECURSION], 1);
	return true;
}

static int sweep_sessions(struct kernel *kernel, uint16_t round, uint64_t started_ns)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.sessions), ended = 0;
	struct session_key key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;
	struct session s;

	/* At most as many steps as there can be entries: a walk over a table that changes may begin again. */
	for (unsigned int i = 0; more && i < ABI_SESSIONS_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &s) || s.seen == round || s.opened_ns >= started_ns)
			continue;
		ended += end_session(kernel, &key, &s);
	}
	return ended;
}

static int sweep_upstreams(struct kernel *kernel, uint16_t round, uint64_t started_ns)
{
	int fd = bpf_map__fd(kernel->skeleton->maps.upstreams), ended = 0;
	uint64_t key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;
	struct upstream u;

	for (unsigned int i = 0; more && i < ABI_UPSTREAMS_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &u) || u.seen == round || u.started_ns >= started_ns)
			continue;
		ended += end_upstream(kernel, key, &u);
	}
	return ended;
}

int reconcile_run(struct kernel *kernel)
{
	uint64_t started_ns = clock_now_ns();
	uint32_t round = (uint16_t)(started_ns >> 20) ?: 1; /* about a millisecond: another one than in the last run */
	int r;

	kernel->skeleton->bss->reconcile_round = round;
	r = iterate(kernel);
	if (r)
		return r;
	return sweep_sessions(kernel, round, started_ns) + sweep_upstreams(kernel, round, started_ns);
}
