// SPDX-License-Identifier: Apache-2.0
/* Sockets in a temporary folder, which represents the root of a proxy. */
#include "collector/wireguard/wireguard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/process/shared.h"

static char base[] = "/tmp/wgsocks-uapi-XXXXXX";
static char cleanup[128];
static struct wireguard wireguard;

static const char *in(const char *path)
{
	static char text[4][128];
	static unsigned int next;
	char *to = text[next++ % 4];

	snprintf(to, 128, "%.32s/%.80s", base, path);
	return to;
}

static int serve(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(path));
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s: %s", path,
		     strerror(errno));
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(fd, 4), 0);
	return fd;
}

/* base/root is the proxy's, base/outside the host's. */
static void set_up(void)
{
	static const char *const folders[] = { "root",
					       "outside",
					       "root/var",
					       "root/run",
					       "root/run/wireguard",
					       "outside/wireguard",
					       "outside/run",
					       "outside/run/wireguard" };

	cr_assert_not_null(mkdtemp(base));
	snprintf(cleanup, sizeof(cleanup), "rm -rf %s", base);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		cr_assert_eq(mkdir(in(folders[i]), 0755), 0);
	cr_assert_eq(symlink("/run", in("root/var/run")), 0);
	cr_assert_eq(wireguard_open(&wireguard, in("root")), 0);
}

static void tear_down(void)
{
	wireguard_close(&wireguard);
	cr_expect_eq(system(cleanup), 0);
}

TestSuite(wireguard, .init = set_up, .fini = tear_down);

static int socket_open(const char *interface)
{
	int fd = uapi_socket_open(wireguard.root, interface);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

Test(wireguard, a_socket_under_the_root)
{
	serve("root/run/wireguard/wg0.sock", SOCK_STREAM);
	cr_expect_eq(socket_open("wg0"), 0, "an absolute link is one of the root's");
	cr_expect_eq(socket_open("wg1"), -ENOENT);
	cr_expect_eq(socket_open("../wireguard/wg0"), -EINVAL);
	cr_expect_eq(socket_open("a-name-that-is-longer-than-any-interface-may-have-1234567890"),
		     -EINVAL);
}

Test(wireguard, links_do_not_lead_out)
{
	static const char *const ways[] = { "/outside/wireguard", "../../outside/wireguard",
					    "../../../outside/wireguard", "/../outside/wireguard" };

	serve("outside/wireguard/wg0.sock", SOCK_STREAM);
	cr_assert_eq(rmdir(in("root/run/wireguard")), 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		cr_assert_eq(symlink(ways[i], in("root/run/wireguard")), 0);
		cr_expect_eq(socket_open("wg0"), -ENOENT, "%s", ways[i]);
		unlink(in("root/run/wireguard"));
	}
	cr_assert_eq(symlink(in("outside/wireguard"), in("root/run/wireguard")), 0);
	cr_expect_eq(socket_open("wg0"), -ENOENT, "the whole path from our own root");
	unlink(in("root/run/wireguard"));
	cr_assert_eq(symlink("/proc/self/cwd", in("root/run/wireguard")), 0);
	cr_expect_neq(socket_open("wg0"), 0);
}

Test(wireguard, a_link_is_no_socket)
{
	serve("root/run/wireguard/real.sock", SOCK_STREAM);
	cr_assert_eq(symlink("real.sock", in("root/run/wireguard/wg0.sock")), 0);
	cr_expect_eq(socket_open("wg0"), -ENOTSOCK);
	cr_assert_eq(mkfifo(in("root/run/wireguard/wg1.sock"), 0644), 0);
	cr_expect_eq(socket_open("wg1"), -ENOTSOCK);
	cr_assert_eq(mkdir(in("root/run/wireguard/wg2.sock"), 0755), 0);
	cr_expect_eq(socket_open("wg2"), -ENOTSOCK);
	close(open(in("root/run/wireguard/wg3.sock"), O_CREAT | O_WRONLY, 0644));
	cr_expect_eq(socket_open("wg3"), -ENOTSOCK);
}

static const char *const interfaces[ABI_TUNNELS_MAX] = { "wg0", "wg1", "wg2", "wg3" };

static int read_tunnels(unsigned int count)
{
	struct wireguard_target targets[ABI_TUNNELS_MAX] = {};

	for (unsigned int i = 0; i < count; i++)
		targets[i] = (struct wireguard_target){ .ifindex = i + 1,
							.name = interfaces[i],
							.up = true };
	return wireguard_read(&wireguard, targets, "crab");
}

/* The kernel accepts connections up to the backlog: a listener that never reads is silent. */
Test(wireguard, silent_devices_are_waited_for_once_and_together)
{
	uint64_t start;

	for (unsigned int i = 0; i < ABI_TUNNELS_MAX; i++) {
		char path[64];

		snprintf(path, sizeof(path), "root/run/wireguard/%s.sock", interfaces[i]);
		serve(path, SOCK_STREAM);
	}
	start = clock_now_ns();
	cr_expect_eq(read_tunnels(ABI_TUNNELS_MAX), -ETIMEDOUT);
	cr_expect_geq(clock_now_ns() - start, WIREGUARD_WAIT_NS);
	cr_expect_lt(clock_now_ns() - start, 3 * WIREGUARD_WAIT_NS);
	for (unsigned int i = 0; i < ABI_TUNNELS_MAX; i++) {
		cr_expect_eq(wireguard.tunnels[i].error, -ETIMEDOUT);
		cr_expect_not(wireguard.tunnels[i].known);
		cr_expect_eq(wireguard.tunnels[i].uapi.fd, -1);
	}
	start = clock_now_ns();
	cr_expect_eq(read_tunnels(ABI_TUNNELS_MAX), -ETIMEDOUT);
	cr_expect_lt(clock_now_ns() - start, WIREGUARD_WAIT_NS, "not again at once");
	cr_expect_eq(wireguard.tunnels[0].timeouts, 1);
	wireguard.tunnels[0].retry_ns = 0;
	read_tunnels(1);
	cr_expect_eq(wireguard.tunnels[0].timeouts, 2);
}

Test(wireguard, no_tunnel)
{
	cr_expect_eq(read_tunnels(0), 0);
	cr_expect(wireguard.tunnels[0].known);
	cr_expect_eq(wireguard.tunnels[0].state, TUNNEL_NO_INTERFACE);
}

Test(wireguard, a_device_that_cannot_be_read_is_unknown)
{
	cr_expect_eq(read_tunnels(1), -ENOENT);
	cr_expect_not(wireguard.tunnels[0].known);
	serve("root/run/wireguard/wg0.sock", SOCK_DGRAM);
	cr_expect_eq(read_tunnels(1), -EPROTOTYPE);
	cr_expect_eq(read_tunnels(0), 0, "it is gone");
}
