/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound ownership: a variable releases its resource at the end of its scope unless it was
 * taken.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _cleanup_free_ _cleanup_(free_pointer)
#define _cleanup_close_ _cleanup_(close_descriptor)
#define _cleanup_fclose_ _cleanup_(close_stream)
#define _cleanup_closedir_ _cleanup_(close_directory)

/* Passes a pointer or a descriptor to the caller; the variable then owns nothing. */
#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})
#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

/*
 * These set the variable to NULL or -1 and can be called again. `p` is the address of a pointer of
 * any type.
 */
static inline void free_pointer(void *p)
{
	void *memory, *none = NULL;

	memcpy(&memory, p, sizeof(memory));
	free(memory);
	memcpy(p, &none, sizeof(none));
}

static inline void close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void close_stream(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}

static inline void close_directory(DIR **d)
{
	if (*d)
		closedir(*d);
	*d = NULL;
}
