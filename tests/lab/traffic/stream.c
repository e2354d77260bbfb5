// SPDX-License-Identifier: Apache-2.0
/* The bytes of a session: sends them in the planned pieces, and checks the payload. */
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "defaults.h"
#include "pattern.h"
#include "session.h"

static bool may_send_payload(const struct session *session)
{
	const struct kind *kind = session->kind;

	if (kind->command == COMMAND_UDP || !session->request_sent)
		return false;
	return session->stage == STAGE_DATA ||
	       (kind->shape == SHAPE_ONE_WRITE && session->out_sent == session->out_length);
}

bool stream_done(const struct session *session)
{
	return session->out_sent == session->out_length &&
	       (!may_send_payload(session) || session->up_sent == session->kind->up);
}

void stream_watch(struct loop *loop, struct session *session)
{
	/* One byte a segment is paced by the clock: writable says nothing about segments. */
	bool writing = session->kind->shape != SHAPE_BYTES && !stream_done(session);
	/* An unread reply must stay unread: session_run peeks each tick instead. */
	bool reading = session->kind->leave != LEAVE_REPLY || session->stage < STAGE_REPLY;
	uint32_t events = (reading ? EPOLLIN : 0) | (writing ? EPOLLOUT : 0);

	if (events == session->events)
		return;
	session->events = events;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, session->fd,
		  &(struct epoll_event){ .events = events, .data.ptr = session });
}

/* Whether the previous byte has left as a segment: until then the next would join it. */
static bool byte_may_go(const struct session *session)
{
	int unsent = 0;

	return ioctl(session->fd, SIOCOUTQNSD, &unsent) == 0 && !unsent;
}

static ssize_t send_piece(struct session *session)
{
	const uint8_t *data;
	uint64_t size;
	ssize_t sent;
	bool payload = session->out_sent == session->out_length;

	if (payload) {
		data = pattern_at(session->up_sent);
		size = session->kind->up - session->up_sent;
		if (size > PATTERN_MAX)
			size = PATTERN_MAX;
	} else {
		data = session->out + session->out_sent;
		size = session->out_length - session->out_sent;
	}
	if (session->kind->shape == SHAPE_BYTES)
		size = 1;
	if (!session->request_sent) /* the last piece of the request sets the final value */
		session->request_time = clock_now();
	sent = send(session->fd, data, size, MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	session->proxy->tally.sent += sent;
	*(payload ? &session->up_sent : &session->out_sent) += sent;
	if (payload)
		session->proxy->tally.up += sent;
	return sent;
}

int stream_send(struct loop *loop, struct session *session)
{
	while (!stream_done(session)) {
		ssize_t sent;

		if (session->kind->shape == SHAPE_BYTES && !byte_may_go(session))
			break;
		sent = send_piece(session);
		if (sent == -EAGAIN)
			break;
		if (sent < 0)
			return sent;
		if (session->request_end && session->out_sent >= session->request_end)
			session->request_sent = true;
	}
	stream_watch(loop, session);
	return 0;
}

bool stream_take(struct session *session, const uint8_t *data, size_t size)
{
	const size_t banner = session->kind->banner ? sizeof(BANNER) - 1 : 0;

	session->proxy->tally.down += size;
	while (size && session->banner_seen < banner) {
		if (*data++ != (uint8_t)BANNER[session->banner_seen++])
			return false;
		size--;
	}
	if (!pattern_matches(data, size, session->down_seen))
		return false;
	session->down_seen += size;
	return session->down_seen <= session->kind->down;
}

bool stream_complete(const struct session *session)
{
	const size_t banner = session->kind->banner ? sizeof(BANNER) - 1 : 0;

	return stream_done(session) && session->down_seen == session->kind->down &&
	       session->banner_seen == banner;
}
