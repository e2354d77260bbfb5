// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static const char http[] = "GET / HTTP/1.1\r\nHost: proxy\r\n\r\n";
static const uint8_t tls[] = { 0x16, 3, 1, 0, 0x31, 1, 0, 0, 0x2d, 3, 3, 0xaa, 0xbb, 0xcc };
static const uint8_t zeros[64];

uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void say(struct session *session, const void *data, size_t size)
{
	memcpy(session->out + session->out_length, data, size);
	session->out_length += size;
}

static uint8_t *out_end(struct session *session)
{
	return session->out + session->out_length;
}

static void say_request(struct session *session)
{
	const struct kind *kind = session->kind;

	session->out_length += request_write(out_end(session), kind);
	session->request_end = session->out_length;
}

/* The line that tells the target what to do; with one write it goes with the request. */
static void say_payload_line(struct session *session)
{
	const struct kind *kind = session->kind;
	char line[96];
	int length;

	if (kind->command != COMMAND_CONNECT || !kind_has_payload(kind))
		return;
	length = snprintf(line, sizeof(line), "%lu %lu %s\n", kind->up, kind->down, kind->closing ? "close" : "keep");
	say(session, line, length);
	session->proxy->tally.up += length;
}

static enum auth session_auth(const struct session *session)
{
	return auth_resolve(session->kind, &session->proxy->credentials);
}

static void say_login(struct session *session)
{
	enum auth auth = session_auth(session);

	session->out_length += login_write(out_end(session), auth, &session->proxy->credentials);
}

static void open_socks(struct session *session)
{
	const struct kind *kind = session->kind;
	enum auth auth = session_auth(session);

	if (kind->proto == PROTO_SOCKS5) {
		session->out_length = greeting_write(session->out, auth);
		session->greeting_end = session->out_length;
		session->stage = STAGE_METHOD;
		if (kind->shape != SHAPE_ONE_WRITE)
			return;
		if (auth != AUTH_NONE)
			say_login(session);
	} else {
		session->stage = STAGE_REPLY;
	}
	say_request(session);
	if (kind->shape == SHAPE_ONE_WRITE)
		say_payload_line(session);
}

/* Connected: the client's first words. */
static void session_open(struct loop *loop, struct session *session)
{
	const struct kind *kind = session->kind;

	session->proxy->tally.connections++;
	if (kind->leave == LEAVE_CONNECT) {
		session_leave(loop, session, OUTCOME_NO_REQUEST);
		return;
	}
	session->stage = STAGE_ALIEN;
	if (kind->opening == OPEN_SOCKS)
		open_socks(session);
	else if (kind->opening == OPEN_HTTP)
		say(session, http, sizeof(http) - 1);
	else if (kind->opening == OPEN_TLS)
		say(session, tls, sizeof(tls));
	else if (kind->opening == OPEN_ZEROS)
		say(session, zeros, sizeof(zeros));
	if (session->stage == STAGE_ALIEN && kind->hold) {
		session->stage = STAGE_HELD;
		loop->held_count++;
	} else if (session->stage == STAGE_ALIEN) {
		session->wake = loop->now + kind->wait_ms * 1000000ull;
	}
}

void session_outcome(struct session *session, enum outcome outcome)
{
	const struct kind *kind = session->kind;
	bool refused = outcome == OUTCOME_AUTH_FAILED || outcome == OUTCOME_NO_ACCEPTABLE_METHOD;
	char event[96];

	if (session->outcome_known)
		return;
	session->outcome_known = true;
	/* Where the server would not even hear the request, its command is unknown. */
	tally_request(&session->proxy->tally, refused && session->stage < STAGE_REPLY ? 0 : kind->command, outcome);
	if (kind->command == COMMAND_CONNECT && outcome != OUTCOME_NO_REQUEST && !refused)
		session->proxy->tally.asked[kind->dest]++;
	if (kind->expect != OUTCOME_ANY && kind->expect != outcome) {
		snprintf(event, sizeof(event), "%s instead of %s", outcome_names[outcome], outcome_names[kind->expect]);
		unexpected_add(event, kind);
	}
}

static void session_end(struct loop *loop, struct session *session, bool reset)
{
	if (session->over)
		return;
	if (session->stage == STAGE_HELD)
		loop->held_count--;
	if (reset)
		setsockopt(session->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(session->fd);
	if (session->udp_fd >= 0)
		close(session->udp_fd);
	loop->over_count++;
	session->over = true; /* the loop frees it, once no event can point to it any more */
}

/* The reply that may have come while the client made up its mind to leave. */
static enum outcome unread_outcome(struct session *session, enum outcome outcome)
{
	struct reply reply;
	uint8_t in[512];
	ssize_t got = recv(session->fd, in, sizeof(in), MSG_PEEK | MSG_DONTWAIT);

	if (session->stage == STAGE_REPLY && got > 0 && reply_read(&reply, in, got, session->kind->proto) > 0) {
		session->proxy->tally.received += got;
		return outcome_of_code(reply.code);
	}
	return outcome;
}

void session_leave(struct loop *loop, struct session *session, enum outcome outcome)
{
	if (!session->outcome_known)
		session_outcome(session, unread_outcome(session, outcome));
	session_end(loop, session, session->kind->reset);
}

static void session_fail(struct loop *loop, struct session *session, const char *event)
{
	unexpected_add(event, session->kind);
	if (session->stage != STAGE_CONNECT)
		session_outcome(session, session->request_sent ? OUTCOME_CLIENT_ABORT : OUTCOME_NO_REQUEST);
	session_end(loop, session, true);
}

/* All went as it should: stay, wait for the server's FIN, or go. */
static void session_complete(struct loop *loop, struct session *session)
{
	if (session->kind->hold) {
		session->stage = STAGE_HELD;
		session->deadline = 0;
		loop->held_count++;
	} else if (session->kind->closing && session->stage != STAGE_EOF) {
		session->stage = STAGE_EOF;
	} else {
		session_leave(loop, session, OUTCOME_SUCCESS);
	}
}

static void reply_success(struct loop *loop, struct session *session, const struct reply *reply)
{
	const struct kind *kind = session->kind;

	if (kind->command == COMMAND_BIND && session->stage == STAGE_REPLY) {
		session->stage = STAGE_BIND;
		if (!bind_call(loop, session, reply))
			session_fail(loop, session, "no way to the bound address");
	} else if (kind->command == COMMAND_UDP) {
		session->stage = STAGE_UDP;
		if (!udp_open(loop, session, reply))
			session_fail(loop, session, "no relay socket");
	} else {
		session->stage = STAGE_DATA;
		if (kind->shape != SHAPE_ONE_WRITE)
			say_payload_line(session);
	}
}

static int method_take(struct loop *loop, struct session *session)
{
	if (session->in_length < 2)
		return 0;
	if (session->in[0] != 5)
		return -EPROTO;
	if (session->in[1] == 0xff) {
		session_leave(loop, session, OUTCOME_NO_ACCEPTABLE_METHOD);
		return 2;
	}
	if (session->kind->leave == LEAVE_METHOD) {
		session_leave(loop, session, OUTCOME_NO_REQUEST);
		return 2;
	}
	session->stage = session->in[1] == 2 ? STAGE_LOGIN : STAGE_REPLY;
	if (session->kind->shape != SHAPE_ONE_WRITE) {
		if (session->stage == STAGE_LOGIN)
			say_login(session);
		else
			say_request(session);
	}
	return 2;
}

static int login_take(struct loop *loop, struct session *session)
{
	if (session->in_length < 2)
		return 0;
	if (session->in[1]) {
		session_leave(loop, session, OUTCOME_AUTH_FAILED);
		return 2;
	}
	session->stage = STAGE_REPLY;
	if (session->kind->shape != SHAPE_ONE_WRITE)
		say_request(session);
	return 2;
}

static int reply_take(struct loop *loop, struct session *session)
{
	struct reply reply;
	int used = reply_read(&reply, session->in, session->in_length, session->kind->proto);

	if (used <= 0)
		return used;
	if (session->stage == STAGE_REPLY) {
		tally_latency(&session->proxy->tally, clock_now() - session->request_time);
		session_outcome(session, outcome_of_code(reply.code));
	}
	if (reply.code && session->stage == STAGE_BIND)
		session_fail(loop, session, "the second reply of BIND tells a failure");
	else if (reply.code)
		session_leave(loop, session, OUTCOME_OTHER);
	else if (session->stage == STAGE_BIND)
		session->stage = STAGE_DATA;
	else
		reply_success(loop, session, &reply);
	return used;
}

/* Takes what lies in in[]; bytes used, 0 when more are needed, -EPROTO. */
static int session_take(struct loop *loop, struct session *session)
{
	switch (session->stage) {
	case STAGE_METHOD: return method_take(loop, session);
	case STAGE_LOGIN: return login_take(loop, session);
	case STAGE_REPLY:
	case STAGE_BIND: return session->in_length ? reply_take(loop, session) : 0;
	case STAGE_DATA:
		return stream_take(session, session->in, session->in_length) ? (int)session->in_length : -EPROTO;
	case STAGE_ALIEN: /* whatever it answers to that */
	case STAGE_HELD: return session->in_length;
	default: return session->in_length ? -EPROTO : 0;
	}
}

/* The server's FIN or RST. */
static void session_closed(struct loop *loop, struct session *session)
{
	bool heard = session->request_sent;

	switch (session->stage) {
	case STAGE_ALIEN: session_leave(loop, session, OUTCOME_NO_REQUEST); return;
	case STAGE_EOF: session_leave(loop, session, OUTCOME_SUCCESS); return;
	case STAGE_METHOD:
	case STAGE_LOGIN:
	case STAGE_REPLY:
		session_outcome(session, heard ? OUTCOME_SERVER_ABORT : OUTCOME_NO_REQUEST);
		session_end(loop, session, false);
		return;
	default: session_fail(loop, session, "closed by the server");
	}
}

/*
 * How much may be read now: no further than the answer that is due, so that a kind that leaves
 * its reply unread does.
 */
static size_t read_room(const struct session *session)
{
	bool first = session->stage == STAGE_METHOD || session->stage == STAGE_LOGIN;

	if (session->kind->leave == LEAVE_REPLY && session->stage >= STAGE_REPLY)
		return 0;
	return (first ? 2 : sizeof(session->in)) - session->in_length;
}

static void session_read_payload(struct loop *loop, struct session *session)
{
	static uint8_t bulk[64 * 1024];
	ssize_t got;

	while ((got = recv(session->fd, bulk, sizeof(bulk), 0)) > 0) {
		session->proxy->tally.received += got;
		if (!stream_take(session, bulk, got)) {
			session_fail(loop, session, "wrong payload");
			return;
		}
	}
	/* A FIN behind the last byte is looked at once that is known to be the last. */
	if ((got == 0 || errno != EAGAIN) && !stream_complete(session))
		session_closed(loop, session);
}

static void session_read(struct loop *loop, struct session *session)
{
	while (!session->over && read_room(session)) {
		ssize_t got;
		int used;

		if (session->stage == STAGE_DATA && !session->in_length) {
			session_read_payload(loop, session);
			return;
		}
		got = recv(session->fd, session->in + session->in_length, read_room(session), 0);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			session_closed(loop, session);
			return;
		}
		session->proxy->tally.received += got;
		session->in_length += got;
		while (!session->over && (used = session_take(loop, session)) != 0) {
			if (used < 0) {
				session_fail(loop, session, "not what the protocol says");
				return;
			}
			session->in_length -= used;
			memmove(session->in, session->in + used, session->in_length);
		}
	}
}

/* Leaves where the kind says so; true when it did. */
static bool session_leave_early(struct loop *loop, struct session *session)
{
	const struct kind *kind = session->kind;

	if (kind->leave == LEAVE_GREETING && session->greeting_end && stream_done(session)) {
		session_leave(loop, session, OUTCOME_NO_REQUEST);
	} else if (kind->leave == LEAVE_REQUEST && session->request_sent) {
		if (kind->wait_ms && !session->wake)
			session->wake = loop->now + kind->wait_ms * 1000000ull;
		else if (!kind->wait_ms)
			session_leave(loop, session, OUTCOME_CLIENT_ABORT);
	} else if (kind->leave == LEAVE_REPLY && session->stage == STAGE_REPLY && session->request_sent) {
		enum outcome outcome = unread_outcome(session, OUTCOME_COUNT);

		if (outcome != OUTCOME_COUNT) {
			tally_latency(&session->proxy->tally, clock_now() - session->request_time);
			session_leave(loop, session, outcome);
		}
		return true; /* and nothing must be read meanwhile */
	}
	return session->over;
}

static bool session_timers(struct loop *loop, struct session *session)
{
	if (session->wake && loop->now >= session->wake)
		session_leave(loop, session, session->request_sent ? OUTCOME_CLIENT_ABORT : OUTCOME_NO_REQUEST);
	else if (session->deadline && loop->now >= session->deadline)
		session_fail(loop, session, "never ended");
	else if (session->stage == STAGE_UDP && loop->now >= session->udp_next)
		udp_send(loop, session);
	return session->over;
}

static bool session_connected(struct loop *loop, struct session *session)
{
	int error = 0;
	socklen_t size = sizeof(error);
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		session_fail(loop, session, strerror(error));
		return false;
	}
	if (getpeername(session->fd, (struct sockaddr *)&peer, &length))
		return false;
	session_open(loop, session);
	return !session->over;
}

void session_run(struct loop *loop, struct session *session)
{
	if (session->over || session_timers(loop, session))
		return;
	if (session->stage == STAGE_CONNECT && !session_connected(loop, session))
		return;
	for (int round = 0; round < 2; round++) { /* again: an answer may have given more to say */
		if (stream_send(loop, session) && session->stage < STAGE_REPLY && !session->request_sent) {
			session_closed(loop, session);
			return;
		}
		if (session_leave_early(loop, session))
			return;
		if (session->kind->half && session->request_sent && stream_done(session) && !session->half_done) {
			session->half_done = true;
			shutdown(session->fd, SHUT_WR);
		}
		if (round == 0)
			session_read(loop, session);
		if (session->over)
			return;
	}
	if (session->stage == STAGE_UDP && udp_answered(session)) {
		session->proxy->tally.datagrams++;
		session_complete(loop, session);
	} else if (session->stage == STAGE_DATA && stream_complete(session)) {
		session_complete(loop, session);
	}
}

void session_tick(struct loop *loop, struct session *session)
{
	const struct kind *kind = session->kind;
	bool due = (session->wake && loop->now >= session->wake) ||
		   (session->deadline && loop->now >= session->deadline) ||
		   (session->stage == STAGE_UDP && loop->now >= session->udp_next);
	bool peeks = kind->leave == LEAVE_REPLY && session->stage == STAGE_REPLY;
	bool paced = kind->shape == SHAPE_BYTES && !stream_done(session);

	if (due || (session->stage != STAGE_CONNECT && (peeks || paced)))
		session_run(loop, session);
}

void session_release(struct loop *loop, struct session *session)
{
	if (session->stage == STAGE_HELD)
		session_leave(loop, session, OUTCOME_NO_REQUEST);
}

static void source_bind(struct loop *loop, int fd, int family)
{
	int one = 1;

	for (unsigned int i = 0; i < loop->source_count; i++) {
		struct sockaddr_storage *source = &loop->sources[loop->source_next++ % loop->source_count];

		if (source->ss_family != family)
			continue;
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		bind(fd, (struct sockaddr *)source, sizeof(*source));
		return;
	}
}

void session_start(struct loop *loop, const struct kind *kind, struct proxy *proxy)
{
	struct session *session = calloc(1, sizeof(*session));
	int one = 1;

	if (!session)
		abort();
	session->kind = kind;
	session->proxy = proxy;
	session->udp_fd = -1;
	session->deadline = loop->now + loop->patience;
	session->fd = socket(proxy->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	session->next = loop->live;
	if (loop->live)
		loop->live->previous = session;
	loop->live = session;
	loop->live_count++;
	setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	source_bind(loop, session->fd, proxy->address.ss_family);
	if (connect(session->fd, (struct sockaddr *)&proxy->address, proxy->length) && errno != EINPROGRESS) {
		session_fail(loop, session, strerror(errno));
		return;
	}
	session->events = EPOLLOUT;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, session->fd,
		  &(struct epoll_event){ .events = EPOLLOUT, .data.ptr = session });
}
