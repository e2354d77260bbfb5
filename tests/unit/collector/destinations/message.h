/* SPDX-License-Identifier: Apache-2.0 */
/* Builds DNS messages piece by piece. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint8_t message[2048];
static size_t length;

static inline void put(const void *bytes, size_t size)
{
	memcpy(message + length, bytes, size);
	length += size;
}

static inline void put16(unsigned int value)
{
	put((uint8_t[]){ (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

/* Header and one question. The name as on the wire, without the root. */
static inline void begin(unsigned int id, unsigned int flags, unsigned int answers,
			 const char *name, unsigned int type)
{
	length = 0;
	put16(id);
	put16(flags);
	put16(1);
	put16(answers);
	put16(0);
	put16(0);
	put(name, strlen(name) + 1);
	put16(type);
	put16(1);
}

/* An answer whose owner is the question's name. */
static inline void record(unsigned int type, const void *data, size_t size)
{
	put16(0xc00c);
	put16(type);
	put16(1);
	put16(0);
	put16(60);
	put16((unsigned int)size);
	put(data, size);
}
