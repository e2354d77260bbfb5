// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Connected: sends the first message of the client. */
static void session_open(struct loop *loop, struct session *session)
{
	const struct kind *kind = session->kind;

	session->proxy->tally.connections++;
	if (kind->leave == LEAVE_CONNECT) {
		session_leave(loop, session, OUTCOME_NO_REQUEST);
		return;
	}
	dialogue_open(session);
	if (session->stage == STAGE_ALIEN && kind->hold) {
		session->stage = STAGE_HELD;
		loop->held_count++;
	} else if (session->stage == STAGE_ALIEN) {
		session->wake = loop->now + kind->wait_ms * 1000000ull;
	}
}

/* dante has no use for SOCKS4, which has no passwords, where it wants one. */
static bool is_unheard(const struct session *session)
{
	return session->kind->proto != PROTO_SOCKS5 && session->proxy->credentials.user;
}

static void outcome_check(const struct session *session, enum outcome outcome)
{
	const struct kind *kind = session->kind;
	enum outcome expect = kind->expect;
	char event[96];

	if (is_unheard(session) && expect == OUTCOME_SUCCESS)
		expect = OUTCOME_GENERAL_FAILURE;
	if (expect == OUTCOME_ANY || expect == outcome)
		return;
	snprintf(event, sizeof(event), "%s instead of %s", outcome_names[outcome],
		 outcome_names[expect]);
	unexpected_add(event, kind);
}

void session_outcome(struct session *session, enum outcome outcome)
{
	const struct kind *kind = session->kind;
	bool unheard = session->stage < STAGE_REPLY &&
		       (outcome == OUTCOME_AUTH_FAILED || outcome == OUTCOME_NO_ACCEPTABLE_METHOD);

	if (session->outcome_known)
		return;
	session->outcome_known = true;
	/* Where the server would not even hear the request, its command is unknown. */
	tally_request(&session->proxy->tally, unheard ? 0 : kind->command, outcome);
	if (kind->command == COMMAND_CONNECT && outcome != OUTCOME_NO_REQUEST && !unheard &&
	    kind->addressing != BY_UNKNOWN_TYPE && !is_unheard(session))
		session->proxy->tally.asked[kind_dest(kind)]++;
	outcome_check(session, outcome);
}

static void session_end(struct loop *loop, struct session *session, bool reset)
{
	int unread = 0;

	if (session->over)
		return;
	if (session->stage == STAGE_HELD)
		loop->held_count--;
	if (ioctl(session->fd, FIONREAD, &unread) == 0)
		session->proxy->tally.received += unread;
	if (reset)
		setsockopt(session->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
			   sizeof(struct linger));
	close(session->fd);
	if (session->udp_fd >= 0)
		close(session->udp_fd);
	loop->over_count++;
	session->over = true; /* the loop frees it, once no event can point to it any more */
}

/* Reads a reply that may have arrived while the client was about to close. */
static enum outcome unread_outcome(struct session *session, enum outcome outcome)
{
	struct reply reply;
	uint8_t in[512];
	ssize_t got = recv(session->fd, in, sizeof(in), MSG_PEEK | MSG_DONTWAIT);

	if (session->stage == STAGE_REPLY && got > 0 &&
	    reply_read(&reply, in, got, session->kind->proto) > 0)
		return outcome_of_code(reply.code);
	return outcome;
}

void session_leave(struct loop *loop, struct session *session, enum outcome outcome)
{
	if (!session->outcome_known)
		session_outcome(session, unread_outcome(session, outcome));
	session_end(loop, session, session->kind->reset);
}

void session_fail(struct loop *loop, struct session *session, const char *event)
{
	unexpected_add(event, session->kind);
	if (session->stage != STAGE_CONNECT)
		session_outcome(session,
				session->request_sent ? OUTCOME_CLIENT_ABORT : OUTCOME_NO_REQUEST);
	session_end(loop, session, true);
}

/* The dialogue is complete as planned: stay open, wait for the server's FIN, or close. */
void session_complete(struct loop *loop, struct session *session)
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
	/* A FIN after the last byte is checked once that byte is known to be the last. */
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
		while (!session->over && (used = dialogue_take(loop, session)) != 0) {
			if (used < 0) {
				session_fail(loop, session, "not what the protocol says");
				return;
			}
			session->in_length -= used;
			memmove(session->in, session->in + used, session->in_length);
		}
	}
}

/* Closes at the point that the kind sets; returns whether it did. */
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
	} else if (kind->leave == LEAVE_REPLY && session->stage == STAGE_REPLY &&
		   session->request_sent) {
		enum outcome outcome = unread_outcome(session, OUTCOME_COUNT);

		if (outcome != OUTCOME_COUNT) {
			tally_latency(&session->proxy->tally, clock_now() - session->request_time);
			session_leave(loop, session, outcome);
		}
		return true; /* nothing may be read meanwhile */
	}
	return session->over;
}

static bool session_timers(struct loop *loop, struct session *session)
{
	if (session->wake && loop->now >= session->wake)
		session_leave(loop, session,
			      session->request_sent ? OUTCOME_CLIENT_ABORT : OUTCOME_NO_REQUEST);
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

/* The FIN of a client that still reads: after its payload, or else after its request. */
static void session_half(struct session *session)
{
	bool payload = kind_has_payload(session->kind) && session->kind->shape != SHAPE_ONE_WRITE;

	if (!session->kind->half || session->half_done || !session->request_sent ||
	    !stream_done(session) || (payload && session->stage < STAGE_DATA))
		return;
	session->half_done = true;
	shutdown(session->fd, SHUT_WR);
}

void session_run(struct loop *loop, struct session *session)
{
	if (session->over || session_timers(loop, session))
		return;
	if (session->stage == STAGE_CONNECT && !session_connected(loop, session))
		return;
	for (int round = 0; round < 2; round++) { /* again: an answer may require another message */
		if (stream_send(loop, session) && session->stage < STAGE_REPLY &&
		    !session->request_sent) {
			session_closed(loop, session);
			return;
		}
		if (session_leave_early(loop, session))
			return;
		session_half(session);
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
		struct sockaddr_storage *source =
			&loop->sources[loop->source_next++ % loop->source_count];

		if (source->ss_family != family)
			continue;
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		(void)bind(fd, (struct sockaddr *)source, sizeof(*source));
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
	session->fd =
		socket(proxy->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	session->next = loop->live;
	if (loop->live)
		loop->live->previous = session;
	loop->live = session;
	loop->live_count++;
	setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	source_bind(loop, session->fd, proxy->address.ss_family);
	if (connect(session->fd, (struct sockaddr *)&proxy->address, proxy->length) &&
	    errno != EINPROGRESS) {
		session_fail(loop, session, strerror(errno));
		return;
	}
	session->events = EPOLLOUT;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, session->fd,
		  &(struct epoll_event){ .events = EPOLLOUT, .data.ptr = session });
}
