// SPDX-License-Identifier: Apache-2.0
#include "collector/readers/rates.h"

#include <criterion/criterion.h>
#include "lib/time.h"

#define START (5000 * NS_PER_S + 300000000) /* not at the turn of a second */

static struct rates rates;
static struct rate_totals totals;
static struct rate_counts window;

static void init(void)
{
	rates = (struct rates){ 0 };
	totals = (struct rate_totals){ 0 };
}

TestSuite(rates, .init = init);

static void remember(uint64_t now_ns)
{
	rates_remember(&rates, &totals, 1, true, now_ns);
}

/* Reads each second up to `to`, with these increments. Returns `to`. */
static uint64_t run(uint64_t from, uint64_t to, uint64_t bytes, uint32_t successes)
{
	for (uint64_t now = from + NS_PER_S; now <= to; now += NS_PER_S) {
		totals.received += bytes;
		totals.counts.successes += successes;
		remember(now);
	}
	return to;
}

static uint32_t successes(void)
{
	rates_window(&rates, &window);
	return window.successes;
}

Test(rates, nothing_yet)
{
	double value;

	remember(START);
	rates_window(&rates, &window);
	cr_expect_eq(rates_success(&window), 100);
	cr_expect_not(rates_median(&window, &value));
	cr_expect_not(rates_lifetime(&window, &value));
	cr_expect_eq(rates_busiest(&rates), 0);
}

Test(rates, begins_with_what_counters_that_are_as_new_hold)
{
	totals.counts.successes = 3;
	remember(START);
	totals.counts.successes = 4;
	remember(START + NS_PER_S);
	cr_expect_eq(successes(), 4);
}

Test(rates, begins_without_what_older_counters_hold)
{
	totals.counts.successes = 1000;
	totals.counts.closed_ns = 1000 * NS_PER_S;
	totals.received = 1ull << 40;
	rates_remember(&rates, &totals, 1, false, START);
	totals.counts.successes = 1003;
	totals.counts.closed_ns += 5;
	totals.received += 7;
	remember(START + NS_PER_S);
	remember(START + 2 * NS_PER_S);
	cr_expect_eq(successes(), 3);
	cr_expect_eq(window.closed_ns, 5);
	cr_expect_eq(rates_busiest(&rates), 7);
}

Test(rates, five_minutes_slide)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 100 * NS_PER_S, 0, 1);
	cr_expect_eq(successes(), 100);
	now = run(now, now + 200 * NS_PER_S, 0, 0);
	cr_expect_eq(successes(), 100, "300 s later all of it is in");
	now = run(now, now + 50 * NS_PER_S, 0, 0);
	cr_expect_geq(successes(), 50);
	cr_expect_leq(successes(), 55, "a step more, no less");
	now = run(now, now + 60 * NS_PER_S, 0, 0);
	cr_expect_eq(successes(), 0);
}

Test(rates, the_ring_turns_for_hours)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 7200 * NS_PER_S, 1000, 2);
	cr_expect_geq(successes(), 600);
	cr_expect_leq(successes(), 610);
	cr_expect_eq(rates_busiest(&rates), 10000);
}

Test(rates, more_calls_in_a_second_change_nothing)
{
	uint64_t now = START;

	remember(now);
	for (int i = 0; i < 4000; i++) {
		now += NS_PER_S / 10;
		totals.received += 100;
		totals.counts.successes++;
		remember(now);
		remember(now);
	}
	cr_expect_eq(rates_busiest(&rates), 10000);
	cr_expect_geq(successes(), 3000);
	cr_expect_leq(successes(), 3050);
}

Test(rates, the_busiest_ten_seconds)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 20 * NS_PER_S, 100, 0);
	now = run(now, now + 4 * NS_PER_S, 5000, 0);
	now = run(now, now + 20 * NS_PER_S, 100, 0);
	cr_expect_geq(rates_busiest(&rates), 4 * 5000 + 6 * 100);
	cr_expect_leq(rates_busiest(&rates), 4 * 5000 + 6 * 100);
	now = run(now, now + 560 * NS_PER_S, 100, 0);
	cr_expect_eq(rates_busiest(&rates), 4 * 5000 + 6 * 100, "within ten minutes");
	now = run(now, now + 40 * NS_PER_S, 100, 0);
	cr_expect_eq(rates_busiest(&rates), 1000, "no longer");
}

Test(rates, bytes_are_all_found_wherever_seconds_begin)
{
	for (uint64_t phase = 0; phase < NS_PER_S; phase += NS_PER_S / 7) {
		uint64_t now = START + phase;

		init();
		remember(now);
		now = run(now, now + 5 * NS_PER_S, 0, 0);
		now = run(now, now + 8 * NS_PER_S, 12345, 0);
		run(now, now + 5 * NS_PER_S, 0, 0);
		cr_expect_eq(rates_busiest(&rates), 8 * 12345);
	}
}

Test(rates, less_than_ten_seconds_are_ten)
{
	uint64_t now = START;

	remember(now);
	run(now, now + 4 * NS_PER_S, 1000, 0);
	cr_expect_geq(rates_busiest(&rates), 3700, "up to the last whole second");
	cr_expect_leq(rates_busiest(&rates), 4000);
}

Test(rates, a_machine_that_has_just_started)
{
	remember(NS_PER_S / 2);
	run(NS_PER_S / 2, 3 * NS_PER_S + NS_PER_S / 2, 1000, 1);
	cr_expect_eq(successes(), 3);
	cr_expect_eq(rates_busiest(&rates), 0, "ten seconds ago there was no clock");
}

Test(rates, a_gap_is_spread_over_its_time)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 400 * NS_PER_S, 0, 0);
	totals.received += 100000;
	totals.counts.successes += 100;
	now += 100 * NS_PER_S;
	remember(now);
	cr_expect_eq(successes(), 100);
	cr_expect_geq(rates_busiest(&rates), 9990);
	cr_expect_leq(rates_busiest(&rates), 10010, "a tenth of it: no peak that was not there");
	now = run(now, now + 250 * NS_PER_S, 0, 0);
	cr_expect_geq(successes(), 50);
	cr_expect_leq(successes(), 55, "half of the gap is out");
}

Test(rates, a_gap_longer_than_the_rings)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 20 * NS_PER_S, 1000000, 1000);
	totals.received += 86400000;
	totals.counts.successes += 86400;
	now += 86400 * NS_PER_S;
	remember(now);
	cr_expect_geq(successes(), 300);
	cr_expect_leq(successes(), 305, "one a second, and no day at once");
	cr_expect_geq(rates_busiest(&rates), 9999);
	cr_expect_leq(rates_busiest(&rates), 10001);
	run(now, now + 700 * NS_PER_S, 0, 0);
	cr_expect_eq(successes(), 0);
	cr_expect_eq(rates_busiest(&rates), 0);
}

Test(rates, very_large_numbers)
{
	uint64_t now = START;

	remember(now);
	totals.received = 1ull << 62;
	totals.counts.closed_ns = 1ull << 62;
	remember(now + 100000 * NS_PER_S);
	cr_expect_geq(rates_busiest(&rates), (1ull << 62) / 10001);
	cr_expect_leq(rates_busiest(&rates), (1ull << 62) / 9999);
}

Test(rates, counts_go_over_32_bits)
{
	uint64_t now = START;

	totals.counts.successes = UINT32_MAX - 10;
	rates_remember(&rates, &totals, 1, false, now);
	totals.counts.successes += 30;
	remember(now + NS_PER_S);
	cr_expect_eq(successes(), 30);
}

Test(rates, counters_that_restart)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 60 * NS_PER_S, 1000, 10);
	totals = (struct rate_totals){ 0 };
	now += NS_PER_S;
	remember(now);
	cr_expect_eq(successes(), 600, "no change in that second");
	cr_expect_eq(rates_busiest(&rates), 10000);
	now = run(now, now + 10 * NS_PER_S, 1000, 10);
	cr_expect_eq(successes(), 700);
	totals.received = 5; /* a tunnel whose index another took */
	now += NS_PER_S;
	remember(now);
	now = run(now, now + 30 * NS_PER_S, 10, 0);
	cr_expect_eq(rates_busiest(&rates), 10000);
	cr_expect_eq(successes(), 700);
}

Test(rates, another_proxy_in_the_slot)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 60 * NS_PER_S, 1000, 10);
	rates_remember(&rates, &totals, 2, false, now + NS_PER_S);
	cr_expect_eq(successes(), 0);
	cr_expect_eq(rates_busiest(&rates), 0);
}

Test(rates, a_clock_that_went_back)
{
	uint64_t now = START;

	remember(now);
	now = run(now, now + 60 * NS_PER_S, 1000, 10);
	rates_remember(&rates, &totals, 1, false, START);
	cr_expect_eq(successes(), 0);
	totals.counts.successes += 2;
	remember(START + NS_PER_S);
	cr_expect_eq(successes(), 2);
}

/*
 * The next collector has the same memory. Here the one before was killed while it wrote the steps
 * of a reading.
 */
Test(rates, a_reading_that_was_not_finished)
{
	struct rates before;
	uint64_t now = START;

	remember(now);
	now = run(now, now + 800 * NS_PER_S, 1000, 1);
	before = rates;
	totals.received += 1000000;
	totals.counts.successes += 1000000;
	remember(now + 20 * NS_PER_S);
	rates.read_ns = before.read_ns;
	rates.last = before.last;
	totals.received -= 1000000;
	totals.counts.successes -= 1000000;
	now = run(now, now + 40 * NS_PER_S, 1000, 1);
	cr_expect_eq(rates_busiest(&rates), 10000);
	cr_expect_geq(successes(), 300);
	cr_expect_leq(successes(), 305);
}

Test(rates, success)
{
	window = (struct rate_counts){ .successes = 3, .failures = 1 };
	cr_expect_eq(rates_success(&window), 75);
	window = (struct rate_counts){ .failures = 1 };
	cr_expect_eq(rates_success(&window), 0);
	window = (struct rate_counts){ .successes = UINT32_MAX, .failures = UINT32_MAX };
	cr_expect_eq(rates_success(&window), 50);
}

Test(rates, median)
{
	double value;

	window = (struct rate_counts){ .connects = { 4 } };
	cr_assert(rates_median(&window, &value));
	cr_expect_float_eq(value, 0.0005, 1e-12, "%g", value);
	window = (struct rate_counts){ .connects = { 1, 0, 2, 1 } };
	rates_median(&window, &value);
	cr_expect_float_eq(value, 0.0025 + 0.0025 / 2, 1e-12, "%g", value);
	window = (struct rate_counts){ .connects = { 2, 0, 0, 2 } };
	rates_median(&window, &value);
	cr_expect_float_eq(value, 0.001, 1e-12, "%g", value);
	window = (struct rate_counts){ .connects = { [15] = 1 } };
	rates_median(&window, &value);
	cr_expect_float_eq(value, 90, 1e-9, "%g", value);
	window = (struct rate_counts){ .connects = { 1, [16] = 2 } };
	rates_median(&window, &value);
	cr_expect_float_eq(value, 120, 1e-9, "above the last bound: that bound, %g", value);
}

Test(rates, lifetime)
{
	double value;

	window = (struct rate_counts){ .closed = 4, .closed_ns = 10 * NS_PER_S };
	cr_assert(rates_lifetime(&window, &value));
	cr_expect_float_eq(value, 2.5, 1e-12);
}

/* ---- the history ---- */

static struct sample_history history;

Test(history, nothing_yet)
{
	init();
	rates_history(&rates, &history);
	cr_expect_eq(history.known, 0);
	remember(START);
	rates_history(&rates, &history);
	cr_expect_eq(history.known, 0);
}

/* Begun at 5000.3 s: the step that ends at 5005 holds the 4.7 s that there were of it. */
Test(history, begins_with_the_first_whole_step)
{
	init();
	remember(START);
	run(START, START + 12 * NS_PER_S, 100, 1);
	rates_history(&rates, &history);
	cr_expect_eq(history.known, 2);
	cr_expect_eq(history.successful[SNAPSHOT_STEPS - 2], 4);
	cr_expect_eq(history.successful[SNAPSHOT_STEPS - 1], 5);
	cr_expect_eq(history.received[SNAPSHOT_STEPS - 2], 470);
	cr_expect_eq(history.received[SNAPSHOT_STEPS - 1], 500);
	cr_expect_eq(history.successful[SNAPSHOT_STEPS - 3], 0);
}

Test(history, each_step_has_its_own)
{
	uint64_t now = START, all = 0;

	init();
	remember(now);
	for (unsigned int step = 0; step < 100; step++) {
		totals.counts.failures += step;
		now = run(now, now + 5 * NS_PER_S, step, 0);
	}
	rates_history(&rates, &history);
	cr_expect_eq(history.known, SNAPSHOT_STEPS);
	for (int i = 1; i < SNAPSHOT_STEPS; i++) {
		cr_expect_eq(history.failed[i] + history.received[i] / 5 > 0, true);
		cr_expect_geq(history.failed[i], history.failed[i - 1]);
		cr_expect_geq(history.received[i], history.received[i - 1]);
		all += history.failed[i];
	}
	cr_expect_lt(history.failed[SNAPSHOT_STEPS - 1], 100);
	cr_expect_gt(all, 60 * 60);
}

/* No old values: an idle minute is 0, not the content of the ring one round before. */
Test(history, forgets)
{
	uint64_t now = START;

	init();
	remember(now);
	now = run(now, now + 400 * NS_PER_S, 1000, 7);
	run(now, now + 310 * NS_PER_S, 0, 0);
	rates_history(&rates, &history);
	cr_expect_eq(history.known, SNAPSHOT_STEPS);
	for (int i = 0; i < SNAPSHOT_STEPS; i++) {
		cr_expect_eq(history.successful[i], 0);
		cr_expect_eq(history.received[i], 0);
	}
}
