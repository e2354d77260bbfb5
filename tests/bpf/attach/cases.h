/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "programs.h"
#include "world.h"

/* Everything that a case starts from. */
struct scene {
	struct world world;
	enum config_attach mode; /* what this run of the case is about */
	int counters;
	int targets;
};

#define INSTANCE 0x5eed0001u
#define OTHER_INSTANCE 0x5eed0002u
#define SLOT 7
#define FRAMES 50

/* Places in `counters`: the first ABI_PACKET_MAX are targets, foreign programs have these. */
enum { FOREIGN_FIRST = 8, FOREIGN_LAST = 9 };

typedef void case_function(struct scene *scene);

struct test_case {
	const char *name;
	case_function *function;
	bool both; /* in TCX and in clsact mode; else by itself, mode AUTO */
};

extern const struct test_case attach_cases[], neighbour_cases[], clsact_cases[], cost_cases[];

/* Ends the case when this kernel has no TCX. */
void scene_needs_tcx(const struct scene *scene);

/* A stub of slot SLOT (plus `shift`) that ends in the target of its direction. */
int scene_stub(const struct scene *scene, enum attach_direction direction, uint32_t shift);

/*
 * What the scene's mode asks for; with a pin in TCX mode when `pinned`. The path is valid until the
 * next call.
 */
struct attachment_spec scene_spec(const struct scene *scene, enum attach_direction direction,
				  int stub, bool pinned);

/* Opens as above; the attachment must come up in the scene's mode. */
struct attachment scene_open(const struct scene *scene, enum attach_direction direction,
			     bool pinned);

/*
 * Sends FRAMES frames, that must arrive, and returns how many the target of a direction has counted
 * (twice FRAMES is twice).
 */
int scene_counted(struct scene *scene, enum attach_direction direction);

/*
 * How many of ours (of any instance) are on the end of a direction, seen with other eyes (tc, prog
 * query).
 */
int scene_ours(const struct scene *scene, enum attach_direction direction);

/* The end of the pair to which a direction belongs: frames leave `near` and enter `far`. */
uint32_t scene_ifindex(const struct scene *scene, enum attach_direction direction);
const char *scene_device(enum attach_direction direction);
