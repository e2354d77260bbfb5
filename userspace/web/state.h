/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the web process: one thread with an epoll loop, which runs libmicrohttpd. */
#pragma once

#include <microhttpd.h>

#include "lib/process/process.h"
#include "web/connections.h"
#include "web/request/gate.h"
#include "web/response/bodies.h"
#include "web/response/pages.h"
#include "web/response/self_metrics.h"
#include "web/snapshots.h"
#include "web/web_config.h"

enum server { SERVER_PLAIN, SERVER_TLS, SERVERS };

struct web {
	const struct child *child;
	int epoll, signals;
	uint64_t now_ns; /* time of this turn of the loop */

	struct MHD_Daemon *daemons[SERVERS]; /* NULL: not used */
	bool listening;
	bool pending; /* libmicrohttpd has work to do */
	bool paused;  /* new connections are not accepted until resumed_ns */
	uint64_t resumed_ns;
	bool stopping;

	struct connections connections;
	struct snapshots snapshots;
	struct self_metrics self;
	struct pages pages;

	struct bodies bodies;

	struct web_config *config; /* NULL: no --web.config.file, or not loaded yet */
	uint64_t reload_sequence;  /* sequence of the last bundle that was read */
	struct passwords passwords;
	struct gate gate;
};

/* The data of an epoll event; for a listening socket, EVENT_LISTEN + its index. */
enum web_event { EVENT_SIGNAL, EVENT_CHANNEL, EVENT_SERVER, EVENT_PASSWORDS, EVENT_LISTEN };

/* server.c: starts libmicrohttpd and watches it. Returns 0 or -errno. */
int server_start(struct web *web);

/* Starts to watch the listening sockets. Returns 0 or -errno. */
int server_listen(struct web *web);
void server_stop(struct web *web);

/* Accepts waiting connections of a listening socket, a limited number in one turn. */
void server_accept(struct web *web, int socket);

/* Lets libmicrohttpd work until it is idle, or for a limited number of rounds (`pending`). */
void server_work(struct web *web);

/* Accepts again once the pause is over. */
void server_resume(struct web *web);

/* Stops accepting, before the process ends. */
void server_quiesce(struct web *web);

/* config_reload.c: loads the settings that webconfig has published since the last call. */
void config_reload(struct web *web);

/* Whether --web.config.file is set: then nothing of a proxy may be served without settings. */
static inline bool config_wanted(const struct web *web)
{
	return web->child->bundle >= 0;
}

/* requests.c: the callbacks of libmicrohttpd; their closure is the struct web. */
enum MHD_Result web_request_handle(void *closure, struct MHD_Connection *connection,
				   const char *url, const char *method, const char *version,
				   const char *upload, size_t *upload_size, void **context);
void web_request_completed(void *closure, struct MHD_Connection *connection, void **context,
			   enum MHD_RequestTerminationCode code);
