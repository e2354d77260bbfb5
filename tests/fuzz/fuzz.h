/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by all targets: a check that ends the run with a message, copies of exactly their size,
 * and a source of cuts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Standard error as it was at the start: libFuzzer closes it, since what is tested may print. */
static int fuzz_report;

__attribute__((constructor)) static void fuzz_begin(void)
{
	fuzz_report = dup(STDERR_FILENO);
}

#define CHECK(condition, ...)                                                                \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			dprintf(fuzz_report, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			dprintf(fuzz_report, "" __VA_ARGS__);                                \
			dprintf(fuzz_report, "\n");                                          \
			abort();                                                             \
		}                                                                            \
	} while (0)

/* A copy in memory of exactly its size, so that ASan finds reads beyond it; the caller frees it. */
static inline void *fuzz_copy(const void *from, size_t size)
{
	void *to = malloc(size ? size : 1);

	CHECK(to);
	if (size)
		memcpy(to, from, size);
	return to;
}

/* The same as a string, with a NUL behind it (and perhaps more before that). */
static inline char *fuzz_string(const void *from, size_t size)
{
	char *to = malloc(size + 1);

	CHECK(to);
	if (size)
		memcpy(to, from, size);
	to[size] = '\0';
	return to;
}

/* Where a stream is cut: the same for the same input. */
struct cuts {
	uint64_t state;
	size_t most; /* a piece has 1 to this many bytes */
};

static inline struct cuts cuts_begin(const uint8_t *data, size_t size, uint64_t salt, size_t most)
{
	struct cuts c = { .state = 14695981039346656037u ^ (salt + 1) * 0x9e3779b97f4a7c15u,
			  .most = most };

	for (size_t i = 0; i < size; i++)
		c.state = (c.state ^ data[i]) * 1099511628211u;
	c.state |= 1;
	return c;
}

static inline size_t cuts_below(struct cuts *c, size_t limit)
{
	c->state ^= c->state << 13;
	c->state ^= c->state >> 7;
	c->state ^= c->state << 17;
	return (size_t)(c->state >> 32) % limit;
}

static inline size_t cuts_next(struct cuts *c, size_t left)
{
	size_t piece = 1 + cuts_below(c, c->most);

	return piece < left ? piece : left;
}
