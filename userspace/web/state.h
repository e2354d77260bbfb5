/* SPDX-License-Identifier: Apache-2.0 */
/* The web process: one thread, one epoll loop, libmicrohttpd within it. */
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
	uint64_t now_ns; /* of this round of the loop */

	struct MHD_Daemon *daemons[SERVERS]; /* NULL: none of it */
	bool listening;
	bool pending;	     /* libmicrohttpd has something to do */
	bool paused;	     /* no new connections are accepted … */
	uint64_t resumed_ns; /* … until then */
	bool stopping;

	struct connections connections;
	struct snapshots snapshots;
	struct self_metrics self;
	struct pages pages;

	struct bodies bodies;

	struct web_config *config; /* NULL: without --web.config.file, or before it was read */
	uint64_t reload_sequence;  /* the sequence of the last bundle that was looked at */
	struct passwords passwords;
	struct gate gate;
};

/* What epoll tells us; a listening socket is EVENT_LISTEN + its index. */
enum web_event { EVENT_SIGNAL, EVENT_CHANNEL, EVENT_SERVER, EVENT_PASSWORDS, EVENT_LISTEN };

/* server.c: starts libmicrohttpd and watches it. 0 or -errno. */
int server_start(struct web *web);

/* Watches the listening sockets from now on. 0 or -errno. */
int server_listen(struct web *web);
void server_stop(struct web *web);

/* Accepts what waits at a listening socket. */
void server_accept(struct web *web, int socket);

/* Lets libmicrohttpd work until it has nothing more to do for now. */
void server_work(struct web *web);

/* Accepts again after a pause, when its time has come. */
void server_resume(struct web *web);

/* Accepts no more: the end is near. */
void server_quiesce(struct web *web);

/* config_reload.c: takes over settings that webconfig has handed over since. */
void config_reload(struct web *web);

/* Whether there are settings that are to be served with. */
static inline bool config_wanted(const struct web *web)
{
	return web->child->bundle >= 0;
}

/* requests.c: libmicrohttpd's callbacks; their closure is the web. */
enum MHD_Result web_request_handle(void *closure, struct MHD_Connection *connection,
				   const char *url, const char *method, const char *version,
				   const char *upload, size_t *upload_size, void **context);
void web_request_completed(void *closure, struct MHD_Connection *connection, void **context,
			   enum MHD_RequestTerminationCode code);
