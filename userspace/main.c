// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/collector.h"
#include "health/health.h"
#include "lib/config/config.h"
#include "lib/log/log.h"
#include "supervisor/supervisor.h"
#include "web/web.h"
#include "webconfig/webconfig.h"

#define EXIT_USAGE 2

static struct config config;

static child_main_function *const mains[PROCESS_MAX] = {
	[PROCESS_HEALTH] = health_run,
	[PROCESS_WEB] = web_run,
	[PROCESS_COLLECTOR] = collector_run,
	[PROCESS_WEBCONFIG] = webconfig_run,
};

/*
 * A reload may be asked for as soon as the program runs: it waits for the supervisor, who takes it.
 */
static void hold_reload(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	int parsed;

	/* A client, or a reader of our log, that went away is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	log_open();
	parsed = config_parse(&config, argc, argv, environ);
	if (parsed < 0)
		return EXIT_USAGE;
	if (parsed > 0) /* what was printed has to arrive */
		return fclose(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;

	if (!config.detach)
		hold_reload();
	if (config.web_config_file[0] && !config.detach && webconfig_check(&config))
		return EXIT_USAGE;

	if (config.detach)
		return collector_detach(&config);
	return supervisor_run(&config, mains);
}
