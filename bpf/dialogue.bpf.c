// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that read SOCKS dialogues. The programs of underlay.bpf.c call them for TCP packets.
 * They run at tc, not at socket hooks. On every kernel, only tc sees the stream as bytes with
 * offsets. The calls that the server makes on its sockets do not matter there.
 */
#include "dialogue.h"
#include "early.h"
#include "maps.h"
#include "parse/transport.h"

/*
 * Reads data that arrives before its session exists: on the last ACK of the handshake, or on
 * another CPU at the same moment. Returns the session if it has begun meanwhile, else NULL. That
 * session may have missed this data, so the caller reads the segment again. No byte is read twice.
 */
static __always_inline struct session *early_segment(struct __sk_buff *skb,
						     const struct segment *segment,
						     struct session_key *key,
						     struct proxy_counters *c)
{
	struct early_dialogue *e = bpf_map_lookup_elem(&early, key), new = {};
	struct session *session;

	if (!e || !early_is_fresh(e)) {
		new.begun_ns = bpf_ktime_get_ns();
		early_announce(new.begun_ns);
		/* early_take compares it with the sequence number of the session. */
		new.dialogue.client.isn = segment->sequence;
		bpf_map_update_elem(&early, key, &new, BPF_ANY);
		e = bpf_map_lookup_elem(&early, key);
	}
	if (e && !(e->dialogue.client.flags & DIALOGUE_DONE))
		dialogue_early(skb, segment, &e->dialogue);
	session = bpf_map_lookup_elem(&sessions, key);
	if (session)
		early_take(key, session, c);
	return session;
}

/* Reads a segment from a client to the server. */
static __always_inline void client_segment(struct __sk_buff *skb, const struct segment *segment,
					   struct session_key *key, struct proxy_counters *c)
{
	struct session *session = bpf_map_lookup_elem(&sessions, key);

	if (!session)
		session = early_segment(skb, segment, key, c);
	if (session && !(session->dialogue.client.flags & DIALOGUE_DONE))
		dialogue_client(skb, segment, key, session, c);
}

/* Reads a segment from the server to a client. */
static __always_inline void server_segment(struct __sk_buff *skb, const struct segment *s,
					   struct session_key *key, struct proxy_counters *c)
{
	struct session *session = bpf_map_lookup_elem(&sessions, key);

	if (session && !(session->dialogue.server.flags & DIALOGUE_DONE))
		dialogue_server(skb, s, key, session, c);
}

static __always_inline int carries_data(const struct segment *s)
{
	return s->payload_length && !(s->flags & (TCP_FLAG_SYN | TCP_FLAG_RST));
}

static __always_inline void key_set(struct session_key *key, const struct segment *s,
				    int from_client, __u32 slot, const struct proxy *proxy)
{
	address_copy(key->client, from_client ? s->source : s->destination);
	address_copy(key->server, from_client ? s->destination : s->source);
	key->client_port = from_client ? s->source_port : s->destination_port;
	key->server_port = from_client ? s->destination_port : s->source_port;
	key->slot = slot;
	key->generation = proxy->generation;
}

#define RUNS_CLIENT 1
#define RUNS_SERVER 2

static __always_inline int dialogue_packet(struct __sk_buff *skb, int runs)
{
	__u32 slot = ABI_STUB_SLOT(skb->cb[4]);
	struct session_key key = {};
	struct segment s = {};
	struct proxy_counters *c;
	struct proxy *proxy;

	if (segment_read(skb, ABI_STUB_L2(skb->cb[4]), &s) != SEGMENT_WHOLE || !carries_data(&s))
		return TC_ACT_UNSPEC;
	proxy = proxy_of(slot);
	c = counters_of(slot);
	if (!proxy || !c)
		return TC_ACT_UNSPEC;
	if (runs & RUNS_CLIENT && proxy_listens(proxy, s.destination_port)) {
		key_set(&key, &s, 1, slot, proxy);
		client_segment(skb, &s, &key, c);
	} else if (runs & RUNS_SERVER && proxy_listens(proxy, s.source_port)) {
		key_set(&key, &s, 0, slot, proxy);
		server_segment(skb, &s, &key, c);
	}
	return TC_ACT_UNSPEC;
}

SEC("tc")
int dialogue_ingress(struct __sk_buff *skb)
{
	/*
	 * On lo this program runs at egress, for both directions. On other interfaces, an incoming
	 * packet is never the server's data: its addresses may be forged.
	 */
	return dialogue_packet(skb, skb->ifindex == LOOPBACK_IFINDEX ? RUNS_CLIENT | RUNS_SERVER
								     : RUNS_CLIENT);
}

SEC("tc")
int dialogue_egress(struct __sk_buff *skb)
{
	return dialogue_packet(skb, RUNS_SERVER);
}

char _license[] SEC("license") = "Dual BSD/GPL";
