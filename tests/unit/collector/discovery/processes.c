// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/discovery/netns.h"
#include "collector/discovery/processes.h"
#include "namespace.h"

static const struct config config = { .processes = { "danted", "sockd", "fifteen-letters" },
				      .process_count = 3 };

Test(process_is_server, names)
{
	struct config none = { .process_count = 0 };

	cr_assert(process_is_server("danted", &config));
	cr_assert(process_is_server("danted\n", &config));
	cr_assert(process_is_server("sockd\nrest", &config));
	cr_assert(process_is_server("fifteen-letters", &config));
	cr_assert(!process_is_server("dante", &config));
	cr_assert(!process_is_server("danted2", &config));
	cr_assert(!process_is_server("Danted", &config));
	cr_assert(!process_is_server("", &config));
	cr_assert(!process_is_server("\n", &config));
	cr_assert(!process_is_server("danted", &none));
}

Test(process_socket_inode, links)
{
	cr_assert_eq(process_socket_inode("socket:[12345]"), 12345);
	cr_assert_eq(process_socket_inode("socket:[4294967295]"), 4294967295u);
	cr_assert_eq(process_socket_inode("socket:[4294967297]"), 0);
	cr_assert_eq(process_socket_inode("socket:[99999999999999999999999]"), 0);
	cr_assert_eq(process_socket_inode("socket:[]"), 0);
	cr_assert_eq(process_socket_inode("socket:[-1]"), 0);
	cr_assert_eq(process_socket_inode("socket:[ 1]"), 0);
	cr_assert_eq(process_socket_inode("socket:[1"), 0);
	cr_assert_eq(process_socket_inode("socket:[1]x"), 0);
	cr_assert_eq(process_socket_inode("pipe:[12345]"), 0);
	cr_assert_eq(process_socket_inode("/dev/null"), 0);
	cr_assert_eq(process_socket_inode(""), 0);
}

struct seen {
	struct server_process process[8];
	int count;
};

static int see(const struct server_process *process, void *context)
{
	struct seen *seen = context;

	cr_assert_lt(seen->count, 8);
	seen->process[seen->count++] = *process;
	return 0;
}

static int stop(const struct server_process *process, void *context)
{
	++*(int *)context;
	return process->pid;
}

static void write_comm(const char *root, const char *name, const char *comm)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert_eq(mkdir(path, 0700), 0);
	if (!comm)
		return;
	snprintf(path, sizeof(path), "%s/%s/comm", root, name);
	file = fopen(path, "w");
	cr_assert(file);
	fputs(comm, file);
	fclose(file);
}

/* A fake /proc: vanished processes, unreadable ones, and entries that are not processes. */
Test(processes, odd_entries)
{
	char root[] = "/tmp/wgsocks-test-proc-XXXXXX", command[128];
	struct seen seen = { .count = 0 };
	int count = 0;

	cr_assert(mkdtemp(root));
	write_comm(root, "10", "danted\n");
	write_comm(root, "11", NULL);
	write_comm(root, "12", "");
	write_comm(root, "13", "bash\n");
	write_comm(root, "self", "danted\n");
	write_comm(root, "10x", "danted\n");
	write_comm(root, "0", "danted\n");
	write_comm(root, "99999999999", "danted\n");
	cr_assert_eq(processes_each(root, &config, 0, see, &seen), 0);
	cr_assert_eq(processes_each(root, &config, 1, see, &seen), 0);
	cr_assert_eq(processes_each(root, &config, 0, stop, &count), 10);
	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(count, 1);
	cr_assert_eq(seen.count, 1);
	cr_assert_eq(seen.process[0].pid, 10);
	cr_assert_str_eq(seen.process[0].comm, "danted");
	cr_assert_eq(seen.process[0].netns_inode, 0, "not to be seen");
	cr_assert_eq(processes_each("/nonexistent", &config, 0, see, &seen), 0);
	cr_assert_eq(seen.count, 1);
}

static int listen_on(int family, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, SOCK_STREAM, 0), one = 1;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
		 family == AF_INET ? sizeof(v4) : sizeof(v6)) != 0 ||
	    listen(fd, 8) != 0)
		_exit(1);
	return fd;
}

/* A process of this name that listens on these ports, in both families; returns when it does. */
static pid_t server(const char *name, const uint16_t *ports, int count)
{
	int ready[2];
	char byte;
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		for (int i = 0; i < count; i++) {
			listen_on(AF_INET, ports[i]);
			listen_on(AF_INET6, ports[i]);
		}
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1, "the server did not come up");
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

Test(processes, ports_of_servers_alone)
{
	static const uint16_t socks[] = { 1081, 1080 }, web[] = { 80 };
	uint16_t ports[8];
	size_t rest = 9;
	uint32_t netns;
	pid_t dante, nginx;

	enter_namespace();
	cr_assert_eq(netns_inode(&netns), 0);
	cr_assert_eq(processes_listener_ports(&config, netns, ports, 8, &rest), 0,
		     "nobody listens");
	nginx = server("nginx", web, 1);
	cr_assert_eq(processes_listener_ports(&config, netns, ports, 8, &rest), 0,
		     "no SOCKS server listens");
	dante = server("danted", socks, 2);
	cr_assert_eq(processes_listener_ports(&config, netns, ports, 8, &rest), 2);
	cr_assert(ports[0] == 1080 && ports[1] == 1081, "ascending, each once");
	cr_assert_eq(rest, 0);
	cr_assert_eq(processes_listener_ports(&config, netns, ports, 1, &rest), 1);
	cr_assert_eq(rest, 1, "one did not fit");
	cr_assert_eq(processes_listener_ports(&config, netns, ports, 1, NULL), 1);
	end(dante);
	cr_assert_eq(processes_listener_ports(&config, netns, ports, 8, &rest), 0, "it has ended");
	end(nginx);
}

Test(processes, netns_tells_them_apart)
{
	static const uint16_t socks[] = { 1080 };
	struct seen here = { .count = 0 }, there = { .count = 0 };
	uint32_t first, second;
	pid_t dante;

	enter_namespace();
	cr_assert_eq(netns_inode(&first), 0);
	dante = server("sockd", socks, 1);
	enter_namespace();
	cr_assert_eq(netns_inode(&second), 0);
	processes_each(PROCESSES_ROOT, &config, first, see, &there);
	processes_each(PROCESSES_ROOT, &config, second, see, &here);
	end(dante);
	cr_assert_eq(there.count, 1);
	cr_assert_eq(there.process[0].pid, dante);
	cr_assert_eq(there.process[0].netns_inode, first);
	cr_assert_str_eq(there.process[0].comm, "sockd");
	cr_assert_eq(here.count, 0);
}
