// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs to load: the instructions that the verifier goes through, by program, and its time. The start of the
 * exporter and every upgrade wait for it, and a branch in the wrong loop makes it a hundred times as long.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wgsocks/abi.h"
#include "wgsocks.skel.h"

#define INSTRUCTIONS_MAX 20000
#define LOAD_MS_MAX 200 /* of this process's CPU time, the best of ROUNDS; 47 ms were measured */
#define ROUNDS 3

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool instructions_check(const struct wgsocks *skeleton)
{
	struct bpf_program *program;
	bool good = true;

	bpf_object__for_each_program(program, skeleton->obj)
	{
		const char *name = bpf_program__name(program);
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) {
			printf("not ok verifier/%s: %s\n", name, strerror(errno));
			good = false;
		} else if (!info.verified_insns) {
			printf("skip verifier/%s: this kernel does not tell\n", name); /* before 5.16 */
		} else if (info.verified_insns > INSTRUCTIONS_MAX) {
			printf("not ok verifier/%s: %u instructions, the limit is %u\n", name, info.verified_insns,
			       INSTRUCTIONS_MAX);
			good = false;
		} else {
			printf("ok verifier/%s\n", name);
		}
		printf("# %-20s %8u verified, %6u loaded\n", name, info.verified_insns, info.xlated_prog_len / 8);
	}
	return good;
}

int main(void)
{
	double best = 0;
	bool good = true;

	if (geteuid() != 0) {
		printf("skip verifier: needs root\n");
		return 0;
	}
	for (int round = 0; round < ROUNDS; round++) {
		double begin = cpu_ms(), took;
		struct wgsocks *skeleton = wgsocks__open();

		if (skeleton) { /* with everything on */
			skeleton->rodata->destinations_enabled = 1;
			skeleton->rodata->answers_enabled = 1;
			if (wgsocks__load(skeleton)) {
				wgsocks__destroy(skeleton);
				skeleton = NULL;
			}
		}
		took = cpu_ms() - begin;
		if (!skeleton) {
			printf("not ok verifier: the programs do not load: %s\n", strerror(errno));
			return 1;
		}
		if (round == 0)
			good = instructions_check(skeleton);
		wgsocks__destroy(skeleton);
		if (!round || took < best)
			best = took;
	}
	printf("# open and load: %.1f ms of CPU\n", best);
	if (best > LOAD_MS_MAX)
		printf("not ok verifier/load time: %.1f ms of CPU, the limit is %d\n", best, LOAD_MS_MAX);
	else
		printf("ok verifier/load time\n");
	return good && best <= LOAD_MS_MAX ? 0 : 1;
}
