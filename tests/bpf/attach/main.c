// SPDX-License-Identifier: Apache-2.0
/*
 * Attaching packet programs, in both modes and among foreign ones. Prints `ok NAME`, `not ok NAME:
 * why` or `skip NAME: why`.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

#define CASE_SECONDS 60

const char *case_name = "";

static const struct test_case *const suites[] = { attach_cases, neighbour_cases, clsact_cases,
						  cost_cases };

static void run_here(const struct test_case *test, enum config_attach mode)
{
	struct scene scene = { .mode = mode };

	alarm(CASE_SECONDS);
	world_enter(&scene.world);
	if (mode == CONFIG_ATTACH_TCX)
		scene_needs_tcx(&scene);
	scene.counters = counters_create();
	scene.targets = targets_create(scene.counters);
	test->function(&scene);
	printf("ok %s\n", case_name);
}

/*
 * Each case is a separate process: its namespaces, links and maps end with it, and a crash affects
 * no other case.
 */
static bool run_case(const struct test_case *test, enum config_attach mode, const char *prefix)
{
	char name[128];
	int status;
	pid_t child;

	snprintf(name, sizeof(name), "attach/%s%s", prefix, test->name);
	case_name = name;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		run_here(test, mode);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child ||
	    (!WIFEXITED(status) && !WIFSIGNALED(status))) {
		printf("not ok %s: cannot run it\n", name);
		return false;
	}
	if (WIFSIGNALED(status))
		printf("not ok %s: %s\n", name, strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";
	bool good = true;

	if (geteuid() != 0) {
		printf("skip attach: needs root\n");
		return 0;
	}
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (const struct test_case *test = suites[i]; test->name; test++) {
			if (!strstr(test->name, only))
				continue;
			if (!test->both) {
				good &= run_case(test, CONFIG_ATTACH_AUTO, "");
				continue;
			}
			good &= run_case(test, CONFIG_ATTACH_TCX, "tcx/");
			good &= run_case(test, CONFIG_ATTACH_CLSACT, "clsact/");
		}
	}
	return good ? 0 : 1;
}
