/* SPDX-License-Identifier: Apache-2.0 */
/* Growing arrays, for an unknown number of elements. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_FIRST 64 /* elements of the first allocation */

/*
 * Returns an array with room for one more element; it holds `count` of *max. If it is full, doubles
 * it, and the address changes. Returns NULL without memory; the array is then unchanged.
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
