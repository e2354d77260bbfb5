/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow as they are filled, where how much will come is not known before. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_FIRST 64 /* elements */

/*
 * The array, which holds `count` of *max elements, with room for one more: doubled, and so
 * elsewhere, when it is full. NULL when there is no memory: the array is as it was.
 */
static inline void *array_room(void *array, size_t count, size_t *max, size_t size)
{
	size_t wanted = *max ? 2 * *max : ARRAY_FIRST;
	void *more = array;

	if (count < *max)
		return more;
	more = reallocarray(array, wanted, size);
	if (more)
		*max = wanted;
	return more;
}
