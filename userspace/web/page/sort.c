// SPDX-License-Identifier: Apache-2.0
#include "sort.h"

typedef int compare(const void *a, const void *b);

static void sift_down(const void **p, size_t at, size_t count, compare *order)
{
	const void *value = p[at];

	for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && order(p[child], p[child + 1]) < 0)
			child++;
		if (order(value, p[child]) >= 0)
			break;
		p[at] = p[child];
		at = child;
	}
	p[at] = value;
}

void page_sort(const void **p, size_t count, compare *order)
{
	for (size_t at = count / 2; at-- > 0;)
		sift_down(p, at, count, order);
	for (size_t end = count; end-- > 1;) {
		const void *highest = p[0];

		p[0] = p[end];
		p[end] = highest;
		sift_down(p, 0, end, order);
	}
}
