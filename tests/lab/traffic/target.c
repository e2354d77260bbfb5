// SPDX-License-Identifier: Apache-2.0
/*
 * target: the TCP and UDP server that the lab's proxies connect to.
 *
 * - TCP, TARGET_PORT: reads a line "UP DOWN keep|close\n" and UP bytes of the pattern, then sends
 *   DOWN bytes of the pattern. Then it closes, or waits until the other side does.
 * - TCP, BANNER_PORT: the same, but sends BANNER first.
 * - TCP, CONTROL_PORT: reads lines "ADDRESS PORT DOWN\n". For each, it connects there from its own
 *   address of that family and sends DOWN bytes (the incoming connection of a SOCKS BIND).
 * - UDP, TARGET_PORT: echo.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "defaults.h"
#include "pattern.h"

enum role { LISTENER, BANNER_LISTENER, CONTROL_LISTENER, ECHO, CONTROL, SERVING };

struct conn {
	enum role role;
	int fd;
	char line[128];
	size_t line_length;
	bool has_line, close_after, half_closed;
	uint64_t up, up_seen, down, down_sent;
	uint32_t events;
};

static int epoll_fd;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct conn *conn_add(enum role role, int fd, uint32_t events)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		die("calloc");
	conn->role = role;
	conn->fd = fd;
	conn->events = events;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd,
		      &(struct epoll_event){ .events = events, .data.ptr = conn }))
		die("epoll_ctl");
	return conn;
}

static void conn_close(struct conn *conn)
{
	close(conn->fd);
	free(conn);
}

static void conn_watch(struct conn *conn, uint32_t events)
{
	if (events == conn->events)
		return;
	conn->events = events;
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd,
		  &(struct epoll_event){ .events = events, .data.ptr = conn });
}

/* Sends pending bytes; returns false if the connection has ended. */
static bool serve_write(struct conn *conn)
{
	while (conn->down_sent < conn->down) {
		uint64_t left = conn->down - conn->down_sent;
		ssize_t sent = send(conn->fd, pattern_at(conn->down_sent),
				    left < PATTERN_MAX ? left : PATTERN_MAX, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			conn_watch(conn, EPOLLOUT | (conn->half_closed ? 0 : EPOLLIN));
			return true;
		}
		if (sent < 0)
			return false;
		conn->down_sent += sent;
	}
	conn_watch(conn, EPOLLIN);
	return !conn->close_after;
}

/* Reads the command line; returns the bytes used, or -1 if it is invalid. */
static ssize_t line_take(struct conn *conn, const uint8_t *data, size_t size)
{
	size_t taken = 0;

	while (taken < size && conn->line_length < sizeof(conn->line) - 1) {
		char c = data[taken++];

		conn->line[conn->line_length++] = c;
		if (c == '\n') {
			conn->has_line = true;
			conn->line[conn->line_length] = 0;
			return taken;
		}
	}
	return conn->line_length < sizeof(conn->line) - 1 ? (ssize_t)taken : -1;
}

static bool serve_data(struct conn *conn, const uint8_t *data, size_t size)
{
	if (!conn->has_line) {
		char then[8];
		ssize_t taken = line_take(conn, data, size);

		if (taken < 0)
			return false;
		if (!conn->has_line)
			return true;
		if (sscanf(conn->line, "%lu %lu %7s", &conn->up, &conn->down, then) != 3)
			return false;
		conn->close_after = !strcmp(then, "close");
		data += taken;
		size -= taken;
	}
	if (size && !pattern_matches(data, size, conn->up_seen))
		return false;
	conn->up_seen += size;
	if (conn->up_seen > conn->up)
		return false;
	return conn->up_seen < conn->up || serve_write(conn);
}

static bool serve_read(struct conn *conn)
{
	static uint8_t buffer[PATTERN_MAX];

	for (;;) {
		ssize_t got = recv(conn->fd, buffer, sizeof(buffer), 0);

		if (got < 0 && errno == EAGAIN)
			return true;
		if (got == 0 && conn->down_sent < conn->down && conn->up_seen == conn->up) {
			conn->half_closed = conn->close_after =
				true; /* a half-closed client still gets its bytes */
			return serve_write(conn);
		}
		if (got <= 0 || !serve_data(conn, buffer, got))
			return false;
	}
}

/* Connects to the listener of a BIND. If this fails, the client times out and reports it. */
static void call_back(const char *line)
{
	char address[64];
	unsigned int port;
	uint64_t down;
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr *to = (struct sockaddr *)&v4;
	socklen_t length = sizeof(v4);
	struct sockaddr_in from4 = { .sin_family = AF_INET };
	struct sockaddr_in6 from6 = { .sin6_family = AF_INET6 };
	struct conn *conn;
	int fd;

	if (sscanf(line, "%63s %u %lu", address, &port, &down) != 3)
		return;
	if (inet_pton(AF_INET, address, &v4.sin_addr) != 1) {
		if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
			return;
		to = (struct sockaddr *)&v6;
		length = sizeof(v6);
	}
	v4.sin_port = v6.sin6_port = htons(port);
	inet_pton(AF_INET, TARGET4, &from4.sin_addr);
	inet_pton(AF_INET6, TARGET6, &from6.sin6_addr);
	fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (bind(fd, length == sizeof(v4) ? (struct sockaddr *)&from4 : (struct sockaddr *)&from6,
		 length))
		die("bind");
	if (connect(fd, to, length) && errno != EINPROGRESS) {
		close(fd);
		return;
	}
	conn = conn_add(SERVING, fd, EPOLLIN | EPOLLOUT);
	conn->has_line = true;
	conn->up = UINT64_MAX; /* received bytes must be the pattern; no answer */
	conn->down = down;
}

static bool control_read(struct conn *conn)
{
	uint8_t c;
	ssize_t got;

	while ((got = recv(conn->fd, &c, 1, 0)) == 1) {
		if (line_take(conn, &c, 1) < 0)
			return false;
		if (conn->has_line) {
			call_back(conn->line);
			conn->has_line = false;
			conn->line_length = 0;
		}
	}
	return got < 0 && errno == EAGAIN;
}

static void accept_all(struct conn *listener)
{
	int fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		int one = 1;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (listener->role == BANNER_LISTENER)
			send(fd, BANNER, sizeof(BANNER) - 1, MSG_NOSIGNAL);
		conn_add(listener->role == CONTROL_LISTENER ? CONTROL : SERVING, fd, EPOLLIN);
	}
}

static void echo_all(int fd)
{
	static uint8_t buffer[65536];
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	ssize_t got;

	while ((got = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &length)) >=
	       0) {
		sendto(fd, buffer, got, 0, (struct sockaddr *)&from, length);
		length = sizeof(from);
	}
}

static void listen_on(enum role role, int port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int one = 1;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 4096))
		die("listen");
	conn_add(role, fd, EPOLLIN);
}

/* One socket for each address, so that the echo has the address that the datagram was sent to. */
static void echo_on(const char *address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(TARGET_PORT) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(TARGET_PORT) };
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET6, address, &v6.sin6_addr);
	if (fd < 0 || bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
			   is_v4 ? sizeof(v4) : sizeof(v6)))
		die(address);
	conn_add(ECHO, fd, EPOLLIN);
}

static void handle(struct conn *conn, uint32_t events)
{
	bool open = true;

	switch (conn->role) {
	case LISTENER:
	case BANNER_LISTENER:
	case CONTROL_LISTENER: accept_all(conn); break;
	case ECHO: echo_all(conn->fd); break;
	case CONTROL: open = control_read(conn); break;
	case SERVING:
		if (events & EPOLLOUT)
			open = serve_write(conn);
		if (open && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			open = serve_read(conn);
		break;
	}
	if (!open)
		conn_close(conn);
}

int main(void)
{
	struct epoll_event events[256];

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	echo_on(TARGET4);
	echo_on(TARGET6);
	listen_on(CONTROL_LISTENER, CONTROL_PORT);
	listen_on(BANNER_LISTENER, BANNER_PORT);
	listen_on(LISTENER, TARGET_PORT);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, 256, -1);

		for (int i = 0; i < count; i++)
			handle(events[i].data.ptr, events[i].events);
		if (count < 0 && errno != EINTR)
			die("epoll_wait");
	}
}
