// SPDX-License-Identifier: Apache-2.0
/*
 * The cost of loading: the instructions that the verifier processes for each program. The start of
 * the exporter and every upgrade wait for it. A branch in the wrong loop can multiply it by 100.
 * The time is printed but has no limit, since it depends on the machine.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <wgsocks/abi.h>
#include "wgsocks.skel.h"

#define INSTRUCTIONS_MAX 20000
/* Up to Linux 6.1, whose verifier merges fewer states; 24,035 were measured. */
#define INSTRUCTIONS_MAX_OLD 40000

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static unsigned int instructions_max(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname kernel;

	if (uname(&kernel) || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return INSTRUCTIONS_MAX;
	return major < 6 || (major == 6 && minor <= 1) ? INSTRUCTIONS_MAX_OLD : INSTRUCTIONS_MAX;
}

static bool instructions_check(const struct wgsocks *skeleton)
{
	unsigned int limit = instructions_max();
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
			printf("skip verifier/%s: this kernel does not tell\n",
			       name); /* before 5.16 */
		} else if (info.verified_insns > limit) {
			printf("not ok verifier/%s: %u instructions, the limit is %u\n", name,
			       info.verified_insns, limit);
			good = false;
		} else {
			printf("ok verifier/%s\n", name);
		}
		printf("# %-20s %8u verified, %6u loaded\n", name, info.verified_insns,
		       info.xlated_prog_len / 8);
	}
	return good;
}

int main(void)
{
	double begin = cpu_ms();
	struct wgsocks *skeleton;
	bool good;

	if (geteuid() != 0) {
		printf("skip verifier: needs root\n");
		return 0;
	}
	skeleton = wgsocks__open();
	if (skeleton) { /* with everything on */
		skeleton->rodata->destinations_enabled = 1;
		skeleton->rodata->answers_enabled = 1;
	}
	if (!skeleton || wgsocks__load(skeleton)) {
		printf("not ok verifier: the programs do not load: %s\n", strerror(errno));
		return 1;
	}
	printf("# open and load: %.1f ms of CPU\n", cpu_ms() - begin);
	good = instructions_check(skeleton);
	wgsocks__destroy(skeleton);
	return good ? 0 : 1;
}
