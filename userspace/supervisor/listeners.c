// SPDX-License-Identifier: Apache-2.0
#include "supervisor/listeners.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/log/log.h"

/*
 * Holds the probes and scrapes that arrive while a child restarts. The kernel limits it to
 * net.core.somaxconn.
 */
#define BACKLOG 4096

static int socket_listen(const struct sockaddr *address, socklen_t length)
{
	_cleanup_close_ int fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, zero = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	/* The default depends on a sysctl (net.ipv6.bindv6only). */
	if (address->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) < 0)
		return -errno;
	if (bind(fd, address, length) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int listener_open(const struct config_address *address)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->address;
	int fd = socket_listen((const struct sockaddr *)&address->address, address->length);

	/* No IPv6 in this kernel, or disabled in this namespace. */
	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && v6->sin6_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)) {
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = v6->sin6_port };

		fd = socket_listen((const struct sockaddr *)&v4, sizeof(v4));
	}
	return fd;
}

const struct config_address *listener_address(const struct config *config, unsigned int listener)
{
	if (listener == LISTENER_HEALTH)
		return config->health_enabled ? &config->health : NULL;
	return listener - LISTENER_METRICS < config->metrics_count
		       ? &config->metrics[listener - LISTENER_METRICS]
		       : NULL;
}

bool listener_try(struct listeners *listeners, unsigned int listener, const struct config *config,
		  struct shared *shared)
{
	const struct config_address *address = listener_address(config, listener);
	const char *purpose = listener == LISTENER_HEALTH ? "probes" : "scrapes";
	int fd;

	if (!address || listeners->sockets[listener] >= 0)
		return false;
	fd = listener_open(address);
	if (fd < 0) {
		if (listeners->errors[listener] != -fd)
			log_error("cannot listen", field_text("address", address->text),
				  field_text("purpose", purpose), field_error(fd),
				  field_text("action", "retry"));
		listeners->errors[listener] = -fd;
		return false;
	}
	log_info("listening", field_text("address", address->text), field_text("purpose", purpose));
	listeners->sockets[listener] = fd;
	shared->listening[listener] = 1;
	return true;
}

void listeners_init(struct listeners *listeners)
{
	for (unsigned int i = 0; i < LISTENER_MAX; i++) {
		listeners->sockets[i] = -1;
		listeners->errors[i] = 0;
	}
}

void listeners_close(struct listeners *listeners)
{
	for (unsigned int i = 0; i < LISTENER_MAX; i++)
		close_descriptor(&listeners->sockets[i]);
	listeners_init(listeners);
}
