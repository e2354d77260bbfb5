// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/rates.h"

#include <string.h>

#include "lib/time.h"

#define STEP_NS (ABI_RATE_STEP_SECONDS * NS_PER_S)
#define WINDOW_STEPS (5 * 60 / ABI_RATE_STEP_SECONDS)
#define BUSY_SECONDS 10
#define LOOK_BACK_SECONDS (10 * 60)

static const uint64_t bounds[ABI_BOUNDS_MAX][ABI_HISTOGRAM_BUCKETS - 1] = ABI_HISTOGRAM_BOUNDS;

/* ---- storing ---- */

/* A time between two readings, as a fraction of their distance. */
struct share {
	uint64_t part, whole;
};

static uint64_t interpolate(uint64_t from, uint64_t to, struct share s)
{
	return from + (uint64_t)((unsigned __int128)(to - from) * s.part / s.whole);
}

static uint32_t interpolate_low(uint32_t from, uint32_t to, struct share s)
{
	return from + (uint32_t)interpolate(0, to - from, s);
}

/*
 * Returns the stored total, which never falls below `last`. `ahead` keeps its difference to the
 * counter.
 */
static uint64_t total_follow(__u64 *ahead, uint64_t last, uint64_t counter)
{
	if ((int64_t)(counter - *ahead - last) < 0)
		*ahead = counter - last;
	return counter - *ahead;
}

static uint32_t low_follow(uint32_t *ahead, uint32_t last, uint32_t counter)
{
	if ((int32_t)(counter - *ahead - last) < 0)
		*ahead = counter - last;
	return counter - *ahead;
}

static void counts_follow(struct rate_counts *ahead, const struct rate_counts *last,
			  const struct rate_counts *counters, struct rate_counts *next)
{
	next->successes = low_follow(&ahead->successes, last->successes, counters->successes);
	next->failures = low_follow(&ahead->failures, last->failures, counters->failures);
	next->closed = low_follow(&ahead->closed, last->closed, counters->closed);
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		next->connects[i] =
			low_follow(&ahead->connects[i], last->connects[i], counters->connects[i]);
	next->closed_ns = total_follow(&ahead->closed_ns, last->closed_ns, counters->closed_ns);
}

static void counts_interpolate(const struct rate_counts *from, const struct rate_counts *to,
			       struct share s, struct rate_counts *at)
{
	at->successes = interpolate_low(from->successes, to->successes, s);
	at->failures = interpolate_low(from->failures, to->failures, s);
	at->closed = interpolate_low(from->closed, to->closed, s);
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		at->connects[i] = interpolate_low(from->connects[i], to->connects[i], s);
	at->closed_ns = interpolate(from->closed_ns, to->closed_ns, s);
}

static void begin(struct rates *r, const struct rate_totals *totals, uint32_t generation,
		  bool fresh, uint64_t now_ns)
{
	*r = (struct rates){ .generation = generation };
	if (!fresh)
		r->ahead = *totals;
	r->read_ns = now_ns;
	r->begun_ns = now_ns; /* last: until here the ring is empty */
}

/* Returns the first of at most `most` steps that end after read_ns and not after now_ns. */
static uint64_t first_step(const struct rates *r, uint64_t now_ns, uint64_t step_ns, uint64_t most)
{
	uint64_t first = r->read_ns / step_ns + 1, last = now_ns / step_ns;

	return last >= first + most ? last - most + 1 : first;
}

/*
 * If the collector is killed in the middle, the steps after read_ns are incomplete; the next one
 * writes them again.
 */
void rates_remember(struct rates *r, const struct rate_totals *totals, uint32_t generation,
		    bool fresh, uint64_t now_ns)
{
	struct rate_totals next;

	if (!r->begun_ns || r->generation != generation || now_ns < r->read_ns ||
	    r->read_ns < r->begun_ns) {
		begin(r, totals, generation, fresh, now_ns);
		return;
	}
	if (now_ns == r->read_ns)
		return;
	next.received = total_follow(&r->ahead.received, r->last.received, totals->received);
	counts_follow(&r->ahead.counts, &r->last.counts, &totals->counts, &next.counts);
	for (uint64_t s = first_step(r, now_ns, NS_PER_S, ABI_RATE_SECONDS); s <= now_ns / NS_PER_S;
	     s++) {
		struct share share = { s * NS_PER_S - r->read_ns, now_ns - r->read_ns };

		r->received[s % ABI_RATE_SECONDS] =
			interpolate(r->last.received, next.received, share);
	}
	for (uint64_t s = first_step(r, now_ns, STEP_NS, ABI_RATE_STEPS); s <= now_ns / STEP_NS;
	     s++) {
		struct share share = { s * STEP_NS - r->read_ns, now_ns - r->read_ns };

		counts_interpolate(&r->last.counts, &next.counts, share,
				   &r->counts[s % ABI_RATE_STEPS]);
	}
	r->last = next;
	__atomic_store_n(&r->read_ns, now_ns, __ATOMIC_RELEASE);
}

/* ---- reading ---- */

void rates_window(const struct rates *r, struct rate_counts *window)
{
	static const struct rate_counts none;
	const struct rate_counts *to = &r->last.counts, *from = &none;
	uint64_t step = r->read_ns / STEP_NS - WINDOW_STEPS;

	/* If there is no step that old, the totals started at 0 less than five minutes ago. */
	if (r->read_ns / STEP_NS > WINDOW_STEPS && step * STEP_NS > r->begun_ns)
		from = &r->counts[step % ABI_RATE_STEPS];
	window->successes = to->successes - from->successes;
	window->failures = to->failures - from->failures;
	window->closed = to->closed - from->closed;
	for (int i = 0; i < ABI_HISTOGRAM_BUCKETS; i++)
		window->connects[i] = to->connects[i] - from->connects[i];
	window->closed_ns = to->closed_ns - from->closed_ns;
}

static uint64_t received_at(const struct rates *r, uint64_t second)
{
	return second * NS_PER_S > r->begun_ns ? r->received[second % ABI_RATE_SECONDS] : 0;
}

uint64_t rates_busiest(const struct rates *r)
{
	uint64_t last = r->read_ns / NS_PER_S, most = 0;

	for (uint64_t ago = 0;
	     ago <= LOOK_BACK_SECONDS - BUSY_SECONDS && ago + BUSY_SECONDS <= last; ago++) {
		uint64_t n = received_at(r, last - ago) - received_at(r, last - ago - BUSY_SECONDS);

		if (n > most)
			most = n;
	}
	return most;
}

_Static_assert(SNAPSHOT_STEP_SECONDS == ABI_RATE_STEP_SECONDS && SNAPSHOT_STEPS < ABI_RATE_STEPS,
	       "a history has the steps of the ring");

/* Returns the totals at the end of a step; 0 before the start. */
static struct rate_counts counts_at(const struct rates *r, uint64_t step)
{
	return step * STEP_NS > r->begun_ns ? r->counts[step % ABI_RATE_STEPS]
					    : (struct rate_counts){ 0 };
}

void rates_history(const struct rates *r, struct sample_history *history)
{
	uint64_t last = r->read_ns / STEP_NS;

	history->known = 0;
	for (uint64_t i = SNAPSHOT_STEPS; i-- > 0;) {
		uint64_t end = last - (SNAPSHOT_STEPS - 1 - i),
			 seconds = end * ABI_RATE_STEP_SECONDS;
		struct rate_counts from, to;

		if (end > last || end * STEP_NS <= r->begun_ns)
			return;
		from = counts_at(r, end - 1);
		to = counts_at(r, end);
		history->successful[i] = to.successes - from.successes;
		history->failed[i] = to.failures - from.failures;
		history->received[i] =
			received_at(r, seconds) - received_at(r, seconds - ABI_RATE_STEP_SECONDS);
		history->known++;
	}
}

double rates_success(const struct rate_counts *window)
{
	double all = (double)window->successes + window->failures;

	return all > 0 ? 100.0 * window->successes / all : 100;
}

bool rates_median(const struct rate_counts *window, double *seconds)
{
	const uint64_t *bound = bounds[ABI_BOUNDS_LATENCY];
	double all = 0, below = 0, low;
	int i = 0;

	for (int j = 0; j < ABI_HISTOGRAM_BUCKETS; j++)
		all += window->connects[j];
	if (all == 0)
		return false;
	while (i < ABI_HISTOGRAM_BUCKETS - 1 && below + window->connects[i] < all / 2)
		below += window->connects[i++];
	low = i ? (double)bound[i - 1] : 0;
	/* Above the last bound, the median is not known: return that bound */
	*seconds = low / NS_PER_S;
	if (i < ABI_HISTOGRAM_BUCKETS - 1)
		*seconds += ((double)bound[i] - low) / NS_PER_S * (all / 2 - below) /
			    window->connects[i];
	return true;
}

bool rates_lifetime(const struct rate_counts *window, double *seconds)
{
	if (!window->closed)
		return false;
	*seconds = (double)window->closed_ns / NS_PER_S / window->closed;
	return true;
}
