// SPDX-License-Identifier: Apache-2.0
/*
 * proxies [NAME]: starts many light proxies. Each is a process called danted in its own network
 * namespace. It has lo, a tun device wg0, a listener on port 1080, and PROXY_NAME=NAME-NUMBER
 * (crab-0, crab-1, …) in its environment.
 *
 * It reads commands and answers each with one line:
 *
 * - "begin N" starts N more. Answer: "begun FIRST NS", the number of the first one and
 *   CLOCK_MONOTONIC when the last one listened.
 * - "end N" ends the N oldest. Answer: "ended N".
 *
 * The end of its input ends all proxies.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <linux/if_tun.h>

#define PORT 1080
#define VARIABLE "PROXY_NAME="
#define ROOM 64 /* for the variable, in the environment that this program gives itself */

extern char **environ;

static const char *name = "crab";
static pid_t *pids; /* the living: oldest .. newest - 1 */
static unsigned int oldest, newest, room;

static void fail(const char *what)
{
	fprintf(stderr, "proxies: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/*
 * /proc/PID/environ shows the memory that the kernel filled at exec. One exec reserves room there;
 * each child then writes its name into its own copy. An exec for each child would take longer than
 * the rest of its start.
 */
static void make_room(char **argv)
{
	static char variable[ROOM];
	char *environment[] = { variable, NULL };

	if (environ[0] && !strncmp(environ[0], VARIABLE, strlen(VARIABLE)) &&
	    strlen(environ[0]) == ROOM - 1)
		return;
	memset(variable, 'x', ROOM - 1);
	memcpy(variable, VARIABLE, strlen(VARIABLE));
	execve("/proc/self/exe", argv, environment);
	fail("exec");
}

static void interface_up(int fd, const char *interface)
{
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };

	strcpy(request.ifr_name, interface);
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		fail(interface);
}

/* It stays as long as its descriptor. */
static void make_tunnel(void)
{
	struct ifreq request = { .ifr_name = "wg0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		fail("tun");
}

static void serve(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		fail("socket");
	interface_up(fd, "lo");
	make_tunnel();
	interface_up(fd, "wg0");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 16))
		fail("listen");
}

static void run(unsigned int number, int told)
{
	char *variable = environ[0];
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "danted");
	memset(variable, 0, ROOM);
	snprintf(variable, ROOM, VARIABLE "%s-%u", name, number);
	if (unshare(CLONE_NEWNET))
		fail("unshare");
	serve();
	if (write(told, "", 1) != 1 || getppid() != parent)
		_exit(1);
	close(told);
	for (;;)
		pause();
}

static void begin(unsigned int n)
{
	unsigned int first = newest;
	struct timespec now;
	int told[2];
	char byte;

	if (newest + n > room) {
		room = 2 * (newest + n);
		pids = realloc(pids, room * sizeof(*pids));
	}
	if (!pids || pipe(told))
		fail("begin");
	for (unsigned int i = 0; i < n; i++) {
		pids[newest] = fork();
		if (pids[newest] < 0)
			fail("fork");
		if (!pids[newest])
			run(newest, told[1]);
		newest++;
	}
	close(told[1]);
	for (unsigned int i = 0; i < n; i++) {
		if (read(told[0], &byte, 1) != 1)
			fail("a proxy did not begin");
	}
	close(told[0]);
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("begun %u %lld\n", first, now.tv_sec * 1000000000LL + now.tv_nsec);
}

static void end(unsigned int n)
{
	unsigned int last = n < newest - oldest ? oldest + n : newest;

	for (unsigned int i = oldest; i < last; i++)
		kill(pids[i], SIGKILL);
	n = last - oldest;
	for (; oldest < last; oldest++)
		waitpid(pids[oldest], NULL, 0);
	printf("ended %u\n", n);
}

int main(int argc, char **argv)
{
	char line[64];
	unsigned int n;

	make_room(argv);
	if (argc > 1)
		name = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "begin %u", &n) == 1)
			begin(n);
		else if (sscanf(line, "end %u", &n) == 1)
			end(n);
		else
			return 2;
	}
	end(newest);
	return 0;
}
