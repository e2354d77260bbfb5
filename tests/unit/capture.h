/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures standard error or output since capture_begin. Each Criterion test is a process, so
 * nothing is restored.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns the descriptor to read from. */
static inline int capture_begin(int descriptor)
{
	int memory = memfd_create("capture", MFD_CLOEXEC);

	if (memory < 0 || dup2(memory, descriptor) < 0)
		abort();
	return memory;
}

/* All of it as a string; cut to the buffer. */
static inline const char *capture_read(int memory, char *text, size_t size)
{
	ssize_t length;

	fflush(NULL);
	length = pread(memory, text, size - 1, 0);
	text[length < 0 ? 0 : length] = '\0';
	return text;
}
