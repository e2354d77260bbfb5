// SPDX-License-Identifier: Apache-2.0
#include "lib/process/shared.h"
#include "lib/time.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define COPY_ATTEMPTS 4

const char *process_name(enum process process)
{
#define WORD_(id, word) #word,
	static const char *const names[] = { PROCESSES(WORD_) };
#undef WORD_

	return process < PROCESS_MAX ? names[process] : "unknown";
}

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* The boards start on a separate cache line, so that heartbeats do not evict what probes read. */
static struct health_board *board_at(const struct shared *shared, uint64_t sequence)
{
	char *boards = (char *)shared + round_up(sizeof(*shared), 64);

	return (struct health_board *)(boards + (sequence & 1) * shared->board_bytes);
}

struct shared *shared_create(uint32_t proxies_max)
{
	size_t board = round_up(sizeof(struct health_board) +
					(size_t)proxies_max * sizeof(struct health_proxy),
				64);
	struct shared *shared;

	shared = mmap(NULL, round_up(sizeof(*shared), 64) + 2 * board, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return NULL;
	shared->proxies_max = proxies_max;
	shared->board_bytes = board;
	return shared;
}

void health_board_publish(struct shared *shared, const struct health_proxy *proxies, uint32_t count)
{
	uint64_t sequence = atomic_load_explicit(&shared->board_sequence, memory_order_relaxed);
	struct health_board *board = board_at(shared, sequence + 1);

	if (count > shared->proxies_max)
		count = shared->proxies_max;
	/*
	 * A reader that sees a byte of this update also sees the last publication, and so knows
	 * that its copy of this board is inconsistent.
	 */
	atomic_thread_fence(memory_order_release);
	if (count)
		memcpy(board->proxies, proxies, count * sizeof(*proxies));
	board->proxy_count = count;
	atomic_store_explicit(&shared->board_sequence, sequence + 1, memory_order_release);
}

static uint32_t board_copy(const struct shared *shared, uint64_t sequence,
			   struct health_proxy *copy, uint32_t max)
{
	const struct health_board *board = board_at(shared, sequence);
	uint32_t count = *(const volatile uint32_t *)&board->proxy_count;

	if (count > shared->proxies_max)
		count = shared->proxies_max;
	if (count > max)
		count = max;
	if (count)
		memcpy(copy, board->proxies, count * sizeof(*copy));
	for (uint32_t i = 0; i < count; i++) {
		copy[i].name[sizeof(copy[i].name) - 1] = '\0';
		copy[i].interface[sizeof(copy[i].interface) - 1] = '\0';
	}
	return count;
}

int health_board_copy(const struct shared *shared, struct health_proxy *copy, uint32_t max)
{
	for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
		uint64_t before =
			atomic_load_explicit(&shared->board_sequence, memory_order_acquire);
		uint32_t count = board_copy(shared, before, copy, max);

		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&shared->board_sequence, memory_order_relaxed) == before)
			return (int)count;
	}
	return -EAGAIN;
}

uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

bool process_alive(const struct shared *shared, enum process process, uint64_t now_ns)
{
	uint64_t heartbeat = atomic_load_explicit(&shared->processes[process].heartbeat_ns,
						  memory_order_relaxed);

	/* The heartbeat can be newer than the clock reading of the caller. */
	return heartbeat && (heartbeat >= now_ns || now_ns - heartbeat <= HEARTBEAT_MAX_NS);
}
