// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/reconcile.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wgsocks.skel.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/process/shared.h"
#include "lib/time.h"

/* Suspects of the last run, by socket; those that do not fit become suspects in a later run. */
#define SUSPECTS_MAX 1024
struct suspect {
	uint32_t slot;
	uint64_t socket;
	/* Start of the session; tells it from a later socket with the same address */
	uint64_t began_ns;
	uint64_t since_ns;
};
static struct suspect suspects[SUSPECTS_MAX];
static unsigned int suspect_count;

/* State of one run. */
struct run {
	struct kernel *kernel;
	uint32_t slot;
	uint64_t started_ns;
	uint16_t round;
	int ended;
	struct suspect *next;
	unsigned int next_count;
};

/* Returns whether it has been a suspect for long enough; if not, keeps it as a suspect. */
static bool suspect_confirmed(struct run *run, uint64_t socket, uint64_t began_ns)
{
	uint64_t since = run->started_ns;

	for (unsigned int i = 0; i < suspect_count; i++) {
		if (suspects[i].slot == run->slot && suspects[i].socket == socket &&
		    suspects[i].began_ns == began_ns)
			since = suspects[i].since_ns;
	}
	if (since + RECONCILE_SUSPECT_AGE_NS <= run->started_ns)
		return true;
	if (run->next_count < SUSPECTS_MAX)
		run->next[run->next_count++] =
			(struct suspect){ run->slot, socket, began_ns, since };
	return false;
}

#define ADD(field, n) __atomic_fetch_add(&(field), n, __ATOMIC_RELAXED)

/* Runs our program for each socket of the current network namespace. */
static int iterate(struct kernel *kernel)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options);
	_cleanup_close_ int link = -1, iterator = -1;
	char nothing[64];
	ssize_t n;

	link = bpf_link_create(bpf_program__fd(kernel->skeleton->progs.reconcile), 0,
			       BPF_TRACE_ITER, &options);
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

/* Whichever side deletes the entry counts, as in the programs at CLOSE. */
static bool end_session(struct kernel *kernel, const struct session_key *key,
			const struct session *s)
{
	struct proxy_counters *c = counters_of(kernel, key->slot);
	const struct dialogue *d = &s->dialogue;

	if (!c || bpf_map_delete_elem(bpf_map__fd(kernel->skeleton->maps.sessions), key))
		return false;
	log_debug("closed session whose end was missed", field_unsigned("port", key->client_port),
		  field_unsigned("age_ms", (clock_now_ns() - s->opened_ns) / NS_PER_MS),
		  field_unsigned("closer", s->closer), field_unsigned("seen", s->seen));
	ADD(c->client_active, -1);
	ADD(c->losses.recursion, 1);
	if (!s->adopted && d->requested && !d->settled) { /* outcome not known */
		ADD(c->failures.other, 1);
		ADD(c->request_duration.failure.buckets[ABI_HISTOGRAM_BUCKETS - 1], 1);
	}
	return true;
}

static bool end_upstream(struct kernel *kernel, uint64_t key, const struct upstream *u)
{
	struct proxy_counters *c = counters_of(kernel, u->slot);

	if (!c || bpf_map_delete_elem(bpf_map__fd(kernel->skeleton->maps.upstreams), &key))
		return false;
	log_debug("closed upstream connection whose end was missed",
		  field_unsigned("age_ms", (clock_now_ns() - u->started_ns) / NS_PER_MS),
		  field_unsigned("established", u->established), field_unsigned("seen", u->seen));
	if (u->established) {
		ADD(c->upstream_active, -1);
	} else {
		ADD(c->upstream_pending, -1);
		ADD(c->upstream_failures.other, 1);
	}
	ADD(c->losses.recursion, 1);
	return true;
}

static void sweep_sessions(struct run *run)
{
	int fd = bpf_map__fd(run->kernel->skeleton->maps.sessions);
	struct session_key key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;
	struct session s;

	/*
	 * Limits the steps to the number of entries: a walk over a table that changes can restart.
	 */
	for (unsigned int i = 0; more && i < ABI_SESSIONS_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (key.slot != run->slot || bpf_map_lookup_elem(fd, &key, &s) ||
		    s.seen == run->round || s.opened_ns >= run->started_ns)
			continue;
		if (suspect_confirmed(run, s.socket, s.opened_ns))
			run->ended += end_session(run->kernel, &key, &s);
	}
}

static void sweep_upstreams(struct run *run)
{
	int fd = bpf_map__fd(run->kernel->skeleton->maps.upstreams);
	uint64_t key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;
	struct upstream u;

	for (unsigned int i = 0; more && i < ABI_UPSTREAMS_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &u) || u.slot != run->slot ||
		    u.seen == run->round || u.started_ns >= run->started_ns)
			continue;
		if (suspect_confirmed(run, key, u.started_ns))
			run->ended += end_upstream(run->kernel, key, &u);
	}
}

/* Suspects of other slots stay until the next run for their slot. */
static void keep_others(struct run *run)
{
	for (unsigned int i = 0; i < suspect_count; i++) {
		if (suspects[i].slot != run->slot)
			run->next[run->next_count++] = suspects[i];
	}
}

int reconcile_run(struct kernel *kernel, uint32_t slot, unsigned int *suspected)
{
	_cleanup_free_ struct suspect *next = calloc(SUSPECTS_MAX, sizeof(*next));
	struct run run = {
		.kernel = kernel, .slot = slot, .started_ns = clock_now_ns(), .next = next
	};
	unsigned int others;
	int r;

	if (!next)
		return -ENOMEM;
	/* Steps of about a millisecond, so that it differs from the last run */
	run.round = (uint16_t)(run.started_ns >> 20) ?: 1;
	kernel->skeleton->bss->reconcile_round = run.round;
	r = iterate(kernel);
	if (r)
		return r;
	keep_others(&run);
	others = run.next_count;
	sweep_sessions(&run);
	sweep_upstreams(&run);
	memcpy(suspects, next, run.next_count * sizeof(*next));
	suspect_count = run.next_count;
	if (suspected)
		*suspected = run.next_count - others;
	return run.ended;
}
