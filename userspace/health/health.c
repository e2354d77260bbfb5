// SPDX-License-Identifier: Apache-2.0
/*
 * The health port: one epoll loop that accepts, reads, answers and closes. A client that sends its
 * whole request at once is answered in the turn that accepts it, however many others are silent.
 * Each connection gets one response, and at most two seconds.
 */
#include "health/health.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "health/answer.h"
#include "health/clients.h"
#include "lib/log/log.h"
#include "lib/process/process.h"
#include "lib/rights/rights.h"
#include "lib/time.h"

#define CLIENT_NS (2000 * NS_PER_MS)
#define HEARTBEAT_PERIOD_NS (500 * NS_PER_MS)
#define PAUSE_NS (50 * NS_PER_MS) /* no accept without free descriptors or memory */
#define ACCEPTS_MAX 64		  /* in one turn, so that waiting clients get theirs */
#define EVENTS_MAX 64
#define READ_SIZE 4096
#define DISCARD_SIZE 65536

/* The data of an event: the index of a client, or this for a listening socket. */
#define EVENT_LISTENER UINT32_MAX

struct health {
	const struct child *child;
	int epoll;
	struct clients clients;
	struct health_proxy *proxies; /* copy of the health board */
	uint32_t proxy_count;
	uint64_t board_sequence; /* sequence of that copy; 0: none */
	uint64_t now_ns, heartbeat_due_ns, resume_ns;
	bool paused;
};

/* Too large for the stack; only pages that are used take memory. */
static struct health health;

static void board_refresh(struct health *h)
{
	const struct shared *shared = h->child->shared;
	uint64_t sequence = atomic_load_explicit(&shared->board_sequence, memory_order_acquire);
	int count;

	if (sequence == h->board_sequence)
		return;
	count = health_board_copy(shared, h->proxies, shared->proxies_max);
	/* The copy failed: it changed during each attempt. Then the state is unknown. */
	h->board_sequence = count < 0 ? 0 : sequence;
	h->proxy_count = count < 0 ? 0 : (uint32_t)count;
}

static size_t answer(struct health *h, const struct http_request *request, char *out)
{
	const struct shared *shared = h->child->shared;
	struct health_view view = {
		.collector_alive = process_alive(shared, PROCESS_COLLECTOR, h->now_ns),
		.startup_done = shared->startup_done,
		.require_vpn = h->child->config->health_require_vpn,
		.proxies = h->proxies,
	};

	board_refresh(h);
	view.collector_reported = h->board_sequence != 0;
	view.proxy_count = h->proxy_count;
	return answer_write(out, request, &view);
}

static void client_close(struct health *h, struct client *client)
{
	close(client->fd); /* also removes it from epoll */
	client_remove(&h->clients, client);
}

/*
 * Sends the response. `rest`: some bytes of the client are or will be unread. Closing with unread
 * bytes sends a reset, which may arrive before the response, so they are discarded first. A
 * response (at most 10 KiB) that does not fit into the socket buffer is dropped: it is not worth a
 * queue.
 */
static void client_answer(struct health *h, struct client *client,
			  const struct http_request *request, bool rest)
{
	char out[ANSWER_SIZE];
	size_t length = answer(h, request, out);

	/* MSG_MORE: the FIN goes into the same packet. */
	if (send(client->fd, out, length, MSG_NOSIGNAL | MSG_MORE) != (ssize_t)length || !rest) {
		client_close(h, client);
		return;
	}
	shutdown(client->fd, SHUT_WR);
	client->answered = true;
}

/* At most one read in a turn, so that a client that floods does not delay the others. */
static void client_read(struct health *h, struct client *client)
{
	struct http_request *request = client_request(&h->clients, client);
	char bytes[READ_SIZE];
	ssize_t length;
	size_t taken;

	if (client->answered) {
		/* MSG_TRUNC on TCP: discarded, not copied. */
		length = recv(client->fd, NULL, DISCARD_SIZE, MSG_TRUNC);
		if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
			client_close(h, client);
		return;
	}
	length = recv(client->fd, bytes, sizeof(bytes), 0);
	if (length < 0) {
		if (errno != EAGAIN && errno != EINTR)
			client_close(h, client);
		return;
	}
	if (length == 0) {
		/* The client sent nothing (a port check) or half a request, and may still read. */
		if (!client->begun) {
			client_close(h, client);
			return;
		}
		http_request_end(request);
		client_answer(h, client, request, false);
		return;
	}
	if (!client->begun) {
		http_request_init(request);
		client->begun = true;
	}
	taken = http_request_feed(request, bytes, (size_t)length);
	if (request->status != 0)
		client_answer(h, client, request,
			      request->status != 200 || request->body || taken < (size_t)length);
}

/* A request that is there already is answered without the detour through epoll. */
static void client_welcome(struct health *h, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct client *client = client_add(&h->clients, fd, h->now_ns + CLIENT_NS);

	if (!client) { /* full */
		client_close(h, client_oldest(&h->clients));
		client = client_add(&h->clients, fd, h->now_ns + CLIENT_NS);
	}
	client_read(h, client);
	if (client->fd != fd)
		return;
	event.data.u32 = client_index(&h->clients, client);
	if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		client_close(h, client);
}

static void listeners_watch(struct health *h, bool watch)
{
	struct epoll_event event = { .events = watch ? EPOLLIN : 0 };

	for (size_t i = 0; i < h->child->socket_count; i++) {
		event.data.u32 = EVENT_LISTENER;
		epoll_ctl(h->epoll, EPOLL_CTL_MOD, h->child->sockets[i], &event);
	}
	h->paused = !watch;
}

/*
 * Out of descriptors or memory: the oldest makes room, else everyone gets a pause, for the event
 * would come again at once.
 */
static bool make_room(struct health *h, bool tried)
{
	struct client *oldest = client_oldest(&h->clients);

	if (oldest && !tried) {
		client_close(h, oldest);
		return true;
	}
	h->resume_ns = h->now_ns + PAUSE_NS;
	listeners_watch(h, false);
	return false;
}

static void clients_accept(struct health *h, int listener)
{
	bool room_made = false;

	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			client_welcome(h, fd);
			room_made = false;
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			if (!make_room(h, room_made))
				return;
			room_made = true;
		}
		/* Any other error concerns only that connection. */
	}
}

static void clients_expire(struct health *h)
{
	struct client *oldest;

	while ((oldest = client_oldest(&h->clients)) && oldest->deadline_ns <= h->now_ns)
		client_close(h, oldest);
}

static int timeout_ms(struct health *h)
{
	uint64_t next_ns = h->heartbeat_due_ns;
	const struct client *oldest = client_oldest(&h->clients);

	if (oldest && oldest->deadline_ns < next_ns)
		next_ns = oldest->deadline_ns;
	if (h->paused && h->resume_ns < next_ns)
		next_ns = h->resume_ns;
	return next_ns <= h->now_ns ? 0 : (int)((next_ns - h->now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* One turn of the loop. Returns 0, or -errno if epoll_wait fails. */
static int turn(struct health *h)
{
	struct epoll_event events[EVENTS_MAX];
	bool accept_due = false;
	int count = epoll_wait(h->epoll, events, EVENTS_MAX, timeout_ms(h));

	if (count < 0 && errno != EINTR)
		return -errno;
	h->now_ns = clock_now_ns();
	for (int i = 0; i < count; i++) {
		struct client *client = &h->clients.table[events[i].data.u32 % CLIENTS_MAX];

		if (events[i].data.u32 == EVENT_LISTENER)
			accept_due = true;
		else
			client_read(h, client);
	}
	/*
	 * After the clients: else an event of this turn could reach a slot that was freed and given
	 * to a new client.
	 */
	for (size_t i = 0; accept_due && i < h->child->socket_count; i++)
		clients_accept(h, h->child->sockets[i]);
	clients_expire(h);
	if (h->paused && h->now_ns >= h->resume_ns)
		listeners_watch(h, true);
	if (h->now_ns >= h->heartbeat_due_ns) {
		heartbeat_write(h->child->shared, PROCESS_HEALTH, h->now_ns);
		h->heartbeat_due_ns = h->now_ns + HEARTBEAT_PERIOD_NS;
	}
	return 0;
}

static int open_all(struct health *h)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = EVENT_LISTENER };
	size_t size = (size_t)h->child->shared->proxies_max * sizeof(*h->proxies);
	struct rlimit limit;

	/* Raise the limit; with few descriptors, the oldest client is closed sooner. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	h->proxies = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h->proxies == MAP_FAILED)
		return -errno;
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll < 0)
		return -errno;
	for (size_t i = 0; i < h->child->socket_count; i++) {
		if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->child->sockets[i], &event) < 0)
			return -errno;
	}
	return 0;
}

static int rights_give_up(const struct child *child)
{
	static const int syscalls[] = {
		SCMP_SYS(epoll_wait),  /* x86-64 … */
		SCMP_SYS(epoll_pwait), /* … and arm64 */
		SCMP_SYS(epoll_ctl),	SCMP_SYS(accept4),	   SCMP_SYS(recvfrom),
		SCMP_SYS(shutdown),	SCMP_SYS(close),	   LOG_SYSCALLS,
		SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(exit_group),
		HEARTBEAT_SYSCALLS,
	};
	int r;

	heartbeat_open();
	r = rights_drop_all();
	child_bind_to_parent(child);
	return r < 0 ? r : rights_seccomp(syscalls, sizeof(syscalls) / sizeof(*syscalls));
}

int health_run(const struct child *child)
{
	struct health *h = &health;
	int r;

	h->child = child;
	clients_init(&h->clients);
	r = open_all(h);
	if (r == 0)
		r = rights_give_up(child);
	if (r < 0) {
		log_error("cannot serve probes", field_error(r));
		return EXIT_FAILURE;
	}
	h->now_ns = clock_now_ns();
	do
		r = turn(h);
	while (r == 0);
	log_error("cannot wait for events", field_error(r));
	return EXIT_FAILURE;
}
