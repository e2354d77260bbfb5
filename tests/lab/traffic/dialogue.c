// SPDX-License-Identifier: Apache-2.0
/* The client's side of a SOCKS dialogue: sends messages, checks answers. */
#include <errno.h>
#include <string.h>

#include "session.h"

static const char http[] = "GET / HTTP/1.1\r\nHost: proxy\r\n\r\n";
static const uint8_t tls[] = { 0x16, 3, 1, 0, 0x31, 1, 0, 0, 0x2d, 3, 3, 0xaa, 0xbb, 0xcc };
static const uint8_t zeros[64];

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

	session->out_length +=
		request_write(out_end(session), kind, session->proxy->address.ss_family);
	session->request_end = session->out_length;
}

/* The command line for the target; in kinds with one write it goes with the request. */
static void say_payload_line(struct session *session)
{
	const struct kind *kind = session->kind;
	char line[96];
	int length;

	if (kind->command != COMMAND_CONNECT || !kind_has_payload(kind))
		return;
	length = snprintf(line, sizeof(line), "%lu %lu %s\n", kind->up, kind->down,
			  kind->closing ? "close" : "keep");
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

void dialogue_open(struct session *session)
{
	switch (session->kind->opening) {
	case OPEN_SOCKS: open_socks(session); return;
	case OPEN_HTTP: say(session, http, sizeof(http) - 1); break;
	case OPEN_TLS: say(session, tls, sizeof(tls)); break;
	case OPEN_ZEROS: say(session, zeros, sizeof(zeros)); break;
	case OPEN_SILENT: break;
	}
	session->stage = STAGE_ALIEN;
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

int dialogue_take(struct loop *loop, struct session *session)
{
	switch (session->stage) {
	case STAGE_METHOD: return method_take(loop, session);
	case STAGE_LOGIN: return login_take(loop, session);
	case STAGE_REPLY:
	case STAGE_BIND: return session->in_length ? reply_take(loop, session) : 0;
	case STAGE_DATA:
		return stream_take(session, session->in, session->in_length)
			       ? (int)session->in_length
			       : -EPROTO;
	case STAGE_ALIEN: /* any answer is right */
	case STAGE_HELD: return session->in_length;
	default: return session->in_length ? -EPROTO : 0;
	}
}
