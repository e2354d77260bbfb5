// SPDX-License-Identifier: Apache-2.0
/* The second part of BIND (a connection from the internet) and of UDP ASSOCIATE (a datagram). */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "defaults.h"
#include "session.h"

static const char datagram[] = "a datagram through the relay";

static int control_open(struct loop *loop)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(CONTROL_PORT) };

	if (loop->control_fd >= 0)
		return loop->control_fd;
	inet_pton(AF_INET, CONTROL_ADDRESS, &to.sin_addr);
	loop->control_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(loop->control_fd, (struct sockaddr *)&to, sizeof(to))) {
		close(loop->control_fd);
		loop->control_fd = -1;
	}
	return loop->control_fd;
}

bool bind_call(struct loop *loop, struct session *session, const struct reply *reply)
{
	const struct sockaddr_in *v4 = (const void *)&reply->bound;
	char address[INET6_ADDRSTRLEN], line[128];
	int length;

	if (reply->bound.sin6_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, address, sizeof(address));
	else if (reply->bound.sin6_family == AF_INET6)
		inet_ntop(AF_INET6, &reply->bound.sin6_addr, address, sizeof(address));
	else
		return false;
	/* The port is at the same place in both. */
	length = snprintf(line, sizeof(line), "%s %u %lu\n", address, ntohs(v4->sin_port),
			  session->kind->down);
	return control_open(loop) >= 0 &&
	       send(loop->control_fd, line, length, MSG_NOSIGNAL) == length;
}

static bool is_any(const struct sockaddr_in6 *address)
{
	const struct sockaddr_in *v4 = (const void *)address;

	if (address->sin6_family == AF_INET)
		return v4->sin_addr.s_addr == INADDR_ANY;
	return IN6_IS_ADDR_UNSPECIFIED(&address->sin6_addr);
}

/* Where to send datagrams: the bound address, or the proxy's if that is unspecified. */
static socklen_t relay_address(const struct session *session, const struct reply *reply,
			       struct sockaddr_storage *to)
{
	const struct sockaddr_in *bound = (const void *)&reply->bound;

	if (reply->bound.sin6_family == AF_UNSPEC || is_any(&reply->bound)) {
		memcpy(to, &session->proxy->address, sizeof(*to));
		((struct sockaddr_in *)to)->sin_port = bound->sin_port;
		return session->proxy->length;
	}
	memcpy(to, &reply->bound, sizeof(reply->bound));
	return bound->sin_family == AF_INET ? sizeof(*bound) : sizeof(reply->bound);
}

bool udp_open(struct loop *loop, struct session *session, const struct reply *reply)
{
	struct sockaddr_storage from = {}, to = {};
	socklen_t from_length = sizeof(from), to_length = relay_address(session, reply, &to);

	if (getsockname(session->fd, (struct sockaddr *)&from, &from_length))
		return false;
	((struct sockaddr_in *)&from)->sin_port = 0;
	session->udp_fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (session->udp_fd < 0 ||
	    (to.ss_family == from.ss_family &&
	     bind(session->udp_fd, (struct sockaddr *)&from, from_length)) ||
	    connect(session->udp_fd, (struct sockaddr *)&to, to_length) ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, session->udp_fd,
		      &(struct epoll_event){ .events = EPOLLIN, .data.ptr = session }))
		return false;
	udp_send(loop, session);
	return true;
}

void udp_send(struct loop *loop, struct session *session)
{
	uint8_t out[SOCKS_OUT_MAX];
	size_t length = datagram_write(out, session->kind);

	memcpy(out + length, datagram, sizeof(datagram));
	send(session->udp_fd, out, length + sizeof(datagram), MSG_NOSIGNAL);
	session->udp_next = loop->now + 500000000; /* again, in case it was lost */
}

bool udp_answered(struct session *session)
{
	uint8_t in[2048];
	ssize_t got = recv(session->udp_fd, in, sizeof(in), 0);
	size_t size = sizeof(datagram);

	return got > (ssize_t)size + 10 - 1 && !memcmp(in + got - size, datagram, size);
}
