/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing text. Its memory is kept when it is emptied, so that the next one of its size costs no
 * allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Zero-initialise. `data` is not terminated. */
struct text {
	char *data;
	size_t size, max;
	int error; /* -ENOMEM once memory ran out; adding is then a no-op */
};

/* Empties it, the error too. */
void text_reset(struct text *t);
/* Gives the memory back; the text is empty and can be used again. */
void text_free(struct text *t);

/*
 * Makes room for `more` bytes behind the last one; false (and the error set) when there is no
 * memory.
 */
bool text_reserve(struct text *t, size_t more);

void text_add(struct text *t, const char *bytes, size_t size);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *t, const char *format, ...);

static inline void text_puts(struct text *t, const char *string)
{
	text_add(t, string, strlen(string));
}
