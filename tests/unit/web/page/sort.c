// SPDX-License-Identifier: Apache-2.0
#include "web/page/sort.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MOST 500

static int order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

Test(sort, of_every_length)
{
	static int values[MOST];

	srand(7);
	for (size_t count = 0; count < MOST; count += 1 + count / 8) {
		const void *pointers[MOST];
		long sum = 0, sorted = 0;

		for (size_t i = 0; i < count; i++) {
			values[i] = rand() % 100; /* some are equal */
			pointers[i] = &values[i];
			sum += values[i] * values[i];
		}
		page_sort(pointers, count, order);
		for (size_t i = 0; i < count; i++) {
			int value = *(const int *)pointers[i];

			cr_assert(!i || *(const int *)pointers[i - 1] <= value, "%zu of %zu", i, count);
			sorted += value * value;
		}
		cr_expect_eq(sorted, sum, "the same values");
	}
}
