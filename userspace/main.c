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

/* Blocks SIGHUP until the supervisor waits for it: a reload may be requested before that. */
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

	/* A client or a reader of the log that disconnects must not kill the program. */
	signal(SIGPIPE, SIG_IGN);
	log_open();
	parsed = config_parse(&config, argc, argv, environ);
	if (parsed < 0)
		return EXIT_USAGE;
	if (parsed > 0) /* fail if the output could not be written */
		return fclose(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;

	if (!config.detach)
		hold_reload();
	if (config.web_config_file[0] && !config.detach && webconfig_check(&config))
		return EXIT_USAGE;

	if (config.detach)
		return collector_detach(&config);
	return supervisor_run(&config, mains);
}
