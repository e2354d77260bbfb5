/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PAGE_SORT_H
#define PAGE_SORT_H

#include <stddef.h>

/*
 * Sorts pointers, in place (heapsort). The C library's qsort may ask the kernel for the machine's memory first, which
 * the filter of the web process does not allow.
 */
void page_sort(const void **pointers, size_t count, int (*order)(const void *a, const void *b));

#endif
