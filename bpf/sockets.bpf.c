// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs for TCP state changes in the watched network namespaces. They use tp_btf, since some
 * supported kernels lack kprobe or fentry. Their arguments carry the type of the socket, so they
 * read it without a helper that lockdown=confidentiality forbids.
 *
 * The kernel skips a tracing program for an event in a softirq that interrupts the same program
 * (the recursion guard of kernel/trace/bpf_trace.c). The guard is per program, and softirqs do not
 * nest. So two dispatchers are attached, and at least one of them runs for each event. Each calls
 * its own program in `state_programs`. An upgrade replaces that entry, so no event is missed; the
 * attached dispatchers never change.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "count.h"
#include "maps.h"
#include "session.h"

/* Set between open and load. */
const volatile struct process_names servers = {};
const volatile __u8 ports_discovered = 0;  /* no port was configured */
const volatile __u8 node_mode = 0;	   /* report SOCKS servers in unwatched namespaces */
const volatile __u32 unwatched_budget = 1; /* index in event_budgets: --proxies.max */
#ifdef WGSOCKS_SLOW
volatile __u64 slow_sink; /* test build: delays the program, so that events interrupt it */
#endif

/*
 * The event that the first copy of the program has handled on this CPU, so that the second copy
 * returns at once. An optimisation only: the first copy clears the entry before its work. A second
 * copy that finds no entry repeats the work, which then has no effect.
 */
struct transition {
	__u64 socket;
	__u32 from;
	__u32 to;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct transition);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} state_programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} retransmit_programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} synack_programs SEC(".maps");

static __always_inline int comm_is_server(const char *comm)
{
	const __u64 *a = (const __u64 *)comm;

	for (int i = 0; i < ABI_PROCESSES_MAX; i++) {
		const volatile __u64 *b = (const volatile __u64 *)servers.comm[i];

		if (b[0] && b[0] == a[0] && b[1] == a[1])
			return 1;
	}
	return 0;
}

/*
 * Whether the current process is a SOCKS server. Called only in the process's own context (connect,
 * listen).
 */
static __always_inline int is_server_process(void)
{
	char comm[ABI_COMM_SIZE] = {};

	return !bpf_get_current_comm(comm, sizeof(comm)) && comm_is_server(comm);
}

/*
 * Which process of a SOCKS server is current, if any. A process is a child if its parent has a
 * server's name and the same network namespace.
 */
static __always_inline enum abi_server server_process(__u32 netns_inode)
{
	const struct task_struct *parent;
	char comm[ABI_COMM_SIZE];

	if (!is_server_process())
		return ABI_SERVER_NONE;
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return ABI_SERVER_UNKNOWN;
	parent = ((struct task_struct *)bpf_get_current_task_btf())->real_parent;
	for (int i = 0; i < ABI_COMM_SIZE; i++)
		comm[i] = parent->comm[i];
	if (!comm_is_server(comm) || parent->nsproxy->net_ns->ns.inum != netns_inode)
		return ABI_SERVER_FIRST;
	return ABI_SERVER_CHILD;
}

/*
 * Adds a listener port to the proxy. Done here and not by the collector, so that the first client
 * counts: its SYN cannot arrive before the port listens.
 */
static __always_inline void port_learn(struct proxy *proxy, __u16 port)
{
	for (int i = 0; i < ABI_PORTS_MAX; i++) {
		if (proxy->ports[i] == port)
			return;
		if (!proxy->ports[i]) {
			proxy->ports[i] = port;
			return;
		}
	}
}

/*
 * Sends an event within the budget of `index`, an index in event_budgets. The collector sees
 * skipped events each second and searches for listeners. Two CPUs at once may send some events
 * more.
 */
static __always_inline void event_send(const struct event *event, __u32 index)
{
	struct event_budget *budget = bpf_map_lookup_elem(&event_budgets, &index);
	__u64 second = bpf_ktime_get_ns() >> 30;
	struct event *e = NULL;

	if (!budget)
		return;
	if (budget->second != second) {
		budget->second = second;
		budget->sent = 0;
	}
	if (budget->sent < ABI_EVENTS_PER_SECOND) {
		budget->sent++;
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	}
	if (!e) {
		COUNT(budget->skipped);
		return;
	}
	*e = *event;
	bpf_ringbuf_submit(e, 0);
}

static __always_inline void listener_event(struct connection *k, enum abi_event kind)
{
	struct event e = { .kind = kind,
			   .slot = k->slot,
			   .netns_inode = k->proxy->netns_inode,
			   .port = k->local_port };

	e.by_server = server_process(e.netns_inode);
	if (ports_discovered && kind == ABI_EVENT_LISTEN && e.by_server == ABI_SERVER_FIRST)
		port_learn(k->proxy, k->local_port);
	if (!proxy_listens(k->proxy, k->local_port) &&
	    (kind == ABI_EVENT_LISTEN_END || e.by_server == ABI_SERVER_NONE ||
	     e.by_server == ABI_SERVER_CHILD))
		return; /* not a SOCKS port */
	event_send(&e, k->slot);
}

/*
 * Reports a SOCKS server that begins to listen in an unwatched namespace, so that the collector
 * watches it. Runs in the context of the server process.
 */
static __always_inline void unwatched_listens(const struct sock *sk)
{
	struct event e = { .kind = ABI_EVENT_LISTEN,
			   .slot = ABI_SLOT_NONE,
			   .by_server = ABI_SERVER_UNKNOWN };

	if (!is_server_process())
		return;
	e.netns_inode = sk->__sk_common.skc_net.net->ns.inum;
	event_send(&e, unwatched_budget);
}

static __always_inline void state_changed(struct connection *k, int from, int to, int first_copy)
{
	struct session_key key;

	if (to == TCP_SYN_SENT) {
		if (is_server_process())
			upstream_started(k, first_copy);
		return;
	}
	if (to == TCP_LISTEN || from == TCP_LISTEN) {
		if (to != TCP_SYN_RECV && first_copy)
			listener_event(k,
				       to == TCP_LISTEN ? ABI_EVENT_LISTEN : ABI_EVENT_LISTEN_END);
		return;
	}
	if (to == TCP_SYN_RECV)
		return;
	if (proxy_listens(k->proxy, k->local_port) && from != TCP_SYN_SENT) {
		session_key_of(k, &key);
		if (to == TCP_CLOSE_WAIT)
			session_half_closed(&key, k->id, SESSION_CLOSED_BY_CLIENT);
		else if (to == TCP_FIN_WAIT1)
			session_half_closed(&key, k->id, SESSION_CLOSED_BY_SERVER);
		else if ((to != TCP_ESTABLISHED && to != TCP_CLOSE && !is_orphan(k, to)) ||
			 session_changed(k, &key, to == TCP_ESTABLISHED, first_copy))
			return;
	}
	if (to == TCP_ESTABLISHED)
		upstream_established(k);
	else if (to == TCP_CLOSE || is_orphan(k, to))
		upstream_closed(k, from);
}

static __always_inline int state_event(const struct sock *sk, int from, int to, int first_copy)
{
	struct transition *done;
	struct connection k;
	__u32 zero = 0;
	int slot;

	done = bpf_map_lookup_elem(&recent, &zero);
	if (!done)
		return 0;
	if (!first_copy && done->socket == (__u64)(long)sk && done->from == (__u32)from &&
	    done->to == (__u32)to) {
		done->socket = 0;
		return 0;
	}
	if (first_copy)
		done->socket = 0;
	slot = slot_of(&sk->__sk_common);
	if (slot < 0) {
		if (node_mode && first_copy && to == TCP_LISTEN)
			unwatched_listens(sk);
		return 0;
	}
	if (connection_read(&k, &sk->__sk_common, slot))
		return 0;
	state_changed(&k, from, to, first_copy);
#ifdef WGSOCKS_SLOW
	for (int i = 0; i < 60000; i++)
		slow_sink += i;
#endif
	if (first_copy) {
		done->from = from;
		done->to = to;
		done->socket = (__u64)(long)sk; /* last: an interrupt before this finds no match */
	}
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_first, const struct sock *sk, int from, int to)
{
	return state_event(sk, from, to, 1);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_second, const struct sock *sk, int from, int to)
{
	return state_event(sk, from, to, 0);
}

/*
 * One copy is enough: total_retrans is a sum, so the next retransmission or CLOSE counts a missed
 * event.
 */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit, const struct sock *sk)
{
	struct session_key key;
	struct connection k;
	struct upstream *u;
	struct session *s;

	if (connection_of(&k, (void *)sk))
		return 0;
	u = bpf_map_lookup_elem(&upstreams, &k.id);
	if (u) {
		retransmits_count(&k, ABI_SIDE_UPSTREAM, &u->retransmits);
		return 0;
	}
	if (!proxy_listens(k.proxy, k.local_port))
		return 0;
	session_key_of(&k, &key);
	s = bpf_map_lookup_elem(&sessions, &key);
	if (s && s->socket == k.id)
		retransmits_count(&k, ABI_SIDE_CLIENT, &s->retransmits);
	return 0;
}

/*
 * A retransmitted SYN-ACK. `sk` is the listener: there is no connection yet, and there may never be
 * one. If there is, session_insert excludes them from its total_retrans. The tracepoint fires in
 * softirqs only, which do not nest, so one copy sees all events.
 */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(synack, const struct sock *sk)
{
	struct connection k;

	if (connection_of(&k, (void *)sk) == 0 && proxy_listens(k.proxy, k.local_port))
		COUNT(k.c->retransmits.client);
	return 0;
}

/*
 * ---- attached programs ----
 *
 * Every socket of the host passes the state dispatchers, so they check the namespace before the
 * tail call. Only transitions to LISTEN are passed on from every namespace.
 */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_dispatch_a, const struct sock *sk, int from, int to)
{
	if (slot_of(&sk->__sk_common) >= 0 || to == TCP_LISTEN)
		bpf_tail_call(ctx, &state_programs, 0);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_dispatch_b, const struct sock *sk)
{
	if (slot_of(&sk->__sk_common) >= 0)
		bpf_tail_call(ctx, &state_programs, 1);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int retransmit_dispatch(void *ctx)
{
	bpf_tail_call(ctx, &retransmit_programs, 0);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int synack_dispatch(void *ctx)
{
	bpf_tail_call(ctx, &synack_programs, 0);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
