/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disposable environment for each case: private network and mount namespaces, a veth pair, a
 * bpffs, marked frames.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_PROTOCOL 0x88b5 /* IEEE 802 local experimental: no other program sends it */

struct world {
	uint32_t near;	/* frames are sent here ... */
	uint32_t far;	/* ... and arrive there: both ends are in the same namespace */
	int send_fd;	/* bound to near */
	int receive_fd; /* bound to far: sees what tc at ingress let through */
	char pins[64];	/* a folder in a bpffs */
};

/* Prints the reason and ends the case, which is a process. */
#define check(condition, ...)                                                           \
	do {                                                                            \
		if (!(condition)) {                                                     \
			printf("not ok %s: %s:%d: %s: ", case_name, __FILE__, __LINE__, \
			       #condition);                                             \
			printf(__VA_ARGS__);                                            \
			printf("\n");                                                   \
			fflush(stdout);                                                 \
			_Exit(1);                                                       \
		}                                                                       \
	} while (0)

/* Ends the case if the kernel lacks the feature under test. */
void skip(const char *why);

extern const char *case_name;

/* Enters new namespaces and builds the world in them. */
void world_enter(struct world *world);

/* Makes (again) the veth pair and the sockets on it. */
void world_plug(struct world *world);

/* Runs a shell command, which must succeed. */
__attribute__((format(printf, 1, 2))) void run(const char *format, ...);

/* The number of lines that a shell command prints. */
__attribute__((format(printf, 1, 2))) int count_lines(const char *format, ...);

/* Sends marked frames and waits until as many have arrived (at most 2 s). Returns how many did. */
int world_send(struct world *world, int frames);

/* Sends without waiting for arrivals. Returns how many the kernel accepted. */
int world_send_blind(struct world *world, int frames);

double now_ms(void);
