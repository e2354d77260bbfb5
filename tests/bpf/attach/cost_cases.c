// SPDX-License-Identifier: Apache-2.0
/*
 * The cost of attaching. Lines with # are informative; the limits are wide and catch large changes.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"
#include "collector/attach/attach.h"

#define ROUNDS 20

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

static void cost(struct scene *scene)
{
	const char *patience = getenv("LAB_PATIENCE");
	double load[ROUNDS], create[ROUNDS], alive[ROUNDS], take[ROUNDS], drop[ROUNDS];
	double limit = 2 * (patience ? atof(patience) : 1);

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ms();
		int stub = scene_stub(scene, ATTACH_EGRESS, 0);
		struct attachment_spec spec = scene_spec(scene, ATTACH_EGRESS, stub, true);
		struct attachment egress;

		load[i] = now_ms() - start;
		start = now_ms();
		check(attachment_open(&egress, &spec) == 0, "create");
		create[i] = now_ms() - start;
		attachment_close(&egress);
		start = now_ms();
		check(attachment_open(&egress, &spec) == 0 && egress.taken_over, "take over");
		take[i] = now_ms() - start;
		start = now_ms();
		check(attachment_alive(&egress) == 1, "alive");
		alive[i] = now_ms() - start;
		start = now_ms();
		check(attachment_remove(&egress) == 0, "remove");
		drop[i] = now_ms() - start;
		close(stub);
	}
	printf("# %s: ms (median of %d): load stub %.3f, create %.3f, take over %.3f, alive %.3f, "
	       "remove %.3f\n",
	       case_name, ROUNDS, median(load, ROUNDS), median(create, ROUNDS),
	       median(take, ROUNDS), median(alive, ROUNDS), median(drop, ROUNDS));
	check(median(load, ROUNDS) < limit && median(take, ROUNDS) < limit,
	      "neither waits for anything");
	check(scene->mode == CONFIG_ATTACH_TCX || median(create, ROUNDS) < limit,
	      "nor does a filter");
}

const struct test_case cost_cases[] = {
	{ "cost", cost, true },
	{ NULL, NULL, false },
};
