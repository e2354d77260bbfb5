// SPDX-License-Identifier: Apache-2.0
#include "supervisor/listeners.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct config_address address_any(uint16_t port)
{
	struct config_address address = { .length = sizeof(struct sockaddr_in6) };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memcpy(&address.address, &any, sizeof(any));
	snprintf(address.text, sizeof(address.text), ":%u", (unsigned int)port);
	return address;
}

static struct config_address address_loopback(uint16_t port)
{
	struct config_address address = { .length = sizeof(struct sockaddr_in) };
	struct sockaddr_in loopback = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	memcpy(&address.address, &loopback, sizeof(loopback));
	snprintf(address.text, sizeof(address.text), "127.0.0.1:%u", (unsigned int)port);
	return address;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	return ntohs(
		((struct sockaddr_in *)&name)->sin_port); /* at the same place in both families */
}

Test(listener, of_an_empty_host_takes_both_ip_versions)
{
	struct config_address any = address_any(0), loopback;
	int fd = listener_open(&any), client, taken;

	cr_assert_geq(fd, 0);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	loopback = address_loopback(port_of(fd));
	client = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(client, (struct sockaddr *)&loopback.address, loopback.length), 0);
	taken = accept(fd, NULL, NULL);
	cr_expect_geq(taken, 0);
	close(taken);
	close(client);
	close(fd);
}

Test(listener, is_tried_until_the_port_is_free)
{
	struct config_address any = address_loopback(0);
	int other = listener_open(&any);
	struct shared *shared = shared_create(1);
	struct config config = { .health_enabled = true };
	struct listeners listeners;

	cr_assert_geq(other, 0);
	config.health = address_loopback(port_of(other));
	cr_expect_eq(listener_open(&config.health), -EADDRINUSE);
	listeners_init(&listeners);
	cr_expect_not(listener_try(&listeners, LISTENER_HEALTH, &config, shared));
	cr_expect_eq(listeners.errors[LISTENER_HEALTH], EADDRINUSE);
	cr_expect_eq(shared->listening[LISTENER_HEALTH], 0);
	close(other);
	cr_expect(listener_try(&listeners, LISTENER_HEALTH, &config, shared));
	cr_expect_eq(shared->listening[LISTENER_HEALTH], 1);
	cr_expect_not(listener_try(&listeners, LISTENER_HEALTH, &config, shared),
		      "only news is news");
	listeners_close(&listeners);
}

Test(listener, is_opened_only_when_configured)
{
	static struct config config;
	struct listeners listeners;

	config.health = address_loopback(0);
	config.metrics[0] = address_loopback(0);
	config.metrics_count = 1;
	listeners_init(&listeners);
	cr_expect_null(listener_address(&config, LISTENER_HEALTH));
	cr_expect_eq(listener_address(&config, LISTENER_METRICS), &config.metrics[0]);
	cr_expect_null(listener_address(&config, LISTENER_METRICS + 1));
	cr_expect_not(listener_try(&listeners, LISTENER_HEALTH, &config, NULL));
	config.health_enabled = true;
	cr_expect_eq(listener_address(&config, LISTENER_HEALTH), &config.health);
}
