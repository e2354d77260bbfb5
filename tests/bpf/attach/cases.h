/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "programs.h"
#include "world.h"

/* The state at the start of a case. */
struct scene {
	struct world world;
	enum config_attach mode; /* under test in this run of the case */
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
	bool both; /* run in TCX mode and in clsact mode; else once, in AUTO */
};

extern const struct test_case attach_cases[], neighbour_cases[], clsact_cases[], cost_cases[];

/* Ends the case if this kernel has no TCX. */
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

/* Number of the exporter's programs (of any instance) in a direction, by tc and prog query. */
int scene_ours(const struct scene *scene, enum attach_direction direction);

/* The end of the pair to which a direction belongs: frames leave `near` and enter `far`. */
uint32_t scene_ifindex(const struct scene *scene, enum attach_direction direction);
const char *scene_device(enum attach_direction direction);
