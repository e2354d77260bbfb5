// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <gnutls/abstract.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "lib/log/log.h"
#include "lib/time.h"
#include "web/state.h"

#define ACCEPT_BATCH 64
#define CONNECTION_MEMORY 8192
#define PAUSE_NS (50 * NS_PER_MS)
#define WORK_ROUNDS 16

/* Level-triggered: connections that are not accepted in one turn are reported in the next. */
static int epoll_watch(const struct web *web, int operation, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = { .events = events, .data.u32 = what };

	return epoll_ctl(web->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

/* A connection keeps the settings that are in force when it begins. */
static void connection_begin(struct web *web, struct MHD_Connection *mhd,
			     struct connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	int r;

	if (!connection) /* out of memory: this callback cannot refuse a connection */
		return;
	connection->owner = web_config_use(web->config);
	if (!info || !info->tls_session)
		return;
	/* Edge-triggered: epoll only wakes the loop, select tells what is ready. */
	epoll_watch(web, EPOLL_CTL_ADD, connection->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		    EVENT_SERVER);
	r = web->config && web->config->tls ? tls_take(web->config->tls, info->tls_session)
					    : GNUTLS_E_INTERNAL_ERROR;
	if (r < 0) {
		log_error("cannot start TLS for a connection",
			  field_text("error", gnutls_strerror(r)));
		shutdown(connection->fd, SHUT_RDWR);
	}
}

static void connection_end(struct web *web, struct connection *connection)
{
	struct web_config *config = connection->owner;

	if (config && config->tls && !connection->asked)
		web->gate.refused[REFUSAL_TLS]++;
	web_config_release(config);
	connections_remove(&web->connections, connection);
}

static void connection_notify(void *closure, struct MHD_Connection *mhd, void **context,
			      enum MHD_ConnectionNotificationCode what)
{
	struct web *web = closure;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

		*context = connections_add(&web->connections, info->connect_fd, web->now_ns);
		connection_begin(web, mhd, *context);
	} else if (*context) {
		connection_end(web, *context);
		*context = NULL;
	}
}

static int listeners_watch(const struct web *web, int operation, uint32_t events)
{
	for (size_t i = 0; i < web->child->socket_count; i++) {
		int r = epoll_watch(web, operation, web->child->sockets[i], events,
				    EVENT_LISTEN + (uint32_t)i);

		if (r)
			return r;
	}
	return 0;
}

/* libmicrohttpd requires a certificate callback, but tls_take already set the certificate. */
static int certificate_none(gnutls_session_t session, const gnutls_datum_t *authorities,
			    int authority_count, const gnutls_pk_algorithm_t *algorithms,
			    int algorithm_count, gnutls_pcert_st **certificate,
			    unsigned int *certificate_count, gnutls_privkey_t *key)
{
	return -1;
}

/*
 * The TLS daemon does not use the epoll mode of libmicrohttpd (0.9.75). That mode treats a
 * connection that waits for the client's handshake as readable, so that one silent client takes a
 * whole CPU. With select, the kernel tells what is readable.
 */
static int daemon_start(struct web *web, enum server server)
{
	/* Empty for the plain daemon. */
	struct MHD_OptionItem certificate[] = {
		{ server == SERVER_TLS ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0,
		  (void *)(uintptr_t)certificate_none },
		{ MHD_OPTION_END, 0, NULL },
	};
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *daemon;

	daemon = MHD_start_daemon(
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
			(server == SERVER_TLS ? MHD_USE_TLS : MHD_USE_EPOLL),
		0, NULL, NULL, web_request_handle, web, MHD_OPTION_NOTIFY_COMPLETED,
		web_request_completed, web, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, web,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		/* Above our own limit, because closing connections count here. */
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)web->connections.max + 2 * ACCEPT_BATCH,
		MHD_OPTION_ARRAY, certificate, MHD_OPTION_END);
	web->daemons[server] = daemon;
	if (!daemon)
		return -EIO;
	if (server == SERVER_TLS)
		return 0; /* connection_begin watches each connection */
	info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	return info ? epoll_watch(web, EPOLL_CTL_ADD, info->epoll_fd, EPOLLIN, EVENT_SERVER) : -EIO;
}

/*
 * With --web.config.file both daemons are started, because a reload can turn TLS on or off.
 */
int server_start(struct web *web)
{
	int r = daemon_start(web, SERVER_PLAIN);

	if (r)
		return r;
	return config_wanted(web) ? daemon_start(web, SERVER_TLS) : server_listen(web);
}

int server_listen(struct web *web)
{
	web->listening = true;
	return listeners_watch(web, EPOLL_CTL_ADD, EPOLLIN);
}

void server_stop(struct web *web)
{
	for (int i = 0; i < SERVERS; i++) {
		if (web->daemons[i])
			MHD_stop_daemon(web->daemons[i]);
		web->daemons[i] = NULL;
	}
}

static void server_pause(struct web *web)
{
	if (!web->paused)
		listeners_watch(web, EPOLL_CTL_MOD, 0);
	web->paused = true;
	web->resumed_ns = web->now_ns + PAUSE_NS;
}

void server_resume(struct web *web)
{
	if (!web->paused || web->stopping || web->now_ns < web->resumed_ns)
		return;
	web->paused = false;
	listeners_watch(web, EPOLL_CTL_MOD, EPOLLIN);
}

void server_quiesce(struct web *web)
{
	if (web->listening)
		listeners_watch(web, EPOLL_CTL_DEL, 0);
}

/*
 * Closes one connection that has no request. Before that, reads the requests that have arrived.
 * False: all connections have a request.
 */
static bool room_force(struct web *web)
{
	server_work(web);
	web->pending = true;
	return connections_evict(&web->connections, web->now_ns);
}

/* Makes room for one more connection. False: all connections have a request. */
static bool room_make(struct web *web)
{
	return !connections_full(&web->connections) || room_force(web);
}

static void connection_add(struct web *web, int fd, const struct sockaddr *address,
			   socklen_t length)
{
	enum server server = web->config && web->config->tls ? SERVER_TLS : SERVER_PLAIN;

	/* MHD_add_connection closes the socket on errors. */
	if (MHD_add_connection(web->daemons[server], fd, address, length) != MHD_YES)
		log_debug("cannot accept connection", field_error(errno));
	web->pending = true;
}

/*
 * Without descriptors or memory the connection stays in the backlog, and an immediate retry would
 * spin. So accepting pauses.
 */
static void accept_failed(struct web *web, int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		room_force(web);
		server_pause(web);
		return;
	default: return; /* no connection, or it was closed again */
	}
}

void server_accept(struct web *web, int socket)
{
	for (int i = 0; i < ACCEPT_BATCH && !web->paused; i++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int fd;

		if (!room_make(web)) {
			server_pause(web);
			return;
		}
		fd = accept4(socket, (struct sockaddr *)&address, &length,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			accept_failed(web, errno);
			return;
		}
		connection_add(web, fd, (const struct sockaddr *)&address, length);
	}
}

/* The ready connections of the TLS daemon. */
struct readiness {
	fd_set in, out, except;
	int count;
};

static void readiness_get(struct readiness *r, struct MHD_Daemon *daemon)
{
	struct timeval at_once = { 0 };
	int most = -1;

	FD_ZERO(&r->in);
	FD_ZERO(&r->out);
	FD_ZERO(&r->except);
	r->count = 0;
	if (MHD_get_fdset2(daemon, &r->in, &r->out, &r->except, &most, FD_SETSIZE) == MHD_YES)
		r->count = select(most + 1, &r->in, &r->out, &r->except, &at_once);
}

/* Lets a daemon work. Returns whether it has more to do at once. */
static bool daemon_work(struct MHD_Daemon *daemon, enum server server)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (server == SERVER_TLS) {
		struct readiness r;

		readiness_get(&r, daemon);
		MHD_run_from_select(daemon, &r.in, &r.out, &r.except);
		/*
		 * After its work the daemon may wait for something that is ready already, which
		 * edge-triggered epoll does not report again.
		 */
		readiness_get(&r, daemon);
		if (r.count > 0)
			return true;
	} else {
		MHD_run(daemon);
	}
	/* A pipelined request is in the daemon's memory, not in the socket: epoll misses it. */
	return MHD_get_timeout(daemon, &timeout) == MHD_YES && !timeout;
}

void server_work(struct web *web)
{
	for (int i = 0; i < WORK_ROUNDS; i++) {
		bool more = false;

		web->pending = false;
		for (int server = 0; server < SERVERS; server++)
			if (web->daemons[server])
				more |= daemon_work(web->daemons[server], (enum server)server);
		if (!more)
			return;
	}
	web->pending = true;
}
