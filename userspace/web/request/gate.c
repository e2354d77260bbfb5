// SPDX-License-Identifier: Apache-2.0
#include "web/request/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Of an IPv6 address only the first 64 bits: the client can choose the others. */
static void peer_find(struct MHD_Connection *connection, uint8_t peer[static 16])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	memset(peer, 0, 16);
	if (address && address->sa_family == AF_INET) {
		memcpy(peer + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address && address->sa_family == AF_INET6) {
		const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

		memcpy(peer, v6, IN6_IS_ADDR_V4MAPPED(v6) ? 16 : 8);
	}
}

static enum password_verdict password_check(struct gate *gate, struct gate_pass *pass,
					    const struct settings *settings,
					    struct MHD_Connection *connection, const char *header)
{
	enum password_verdict verdict;
	struct basic basic;
	uint8_t peer[16];

	if (!gate->passwords)
		return PASSWORD_BUSY;
	if (basic_parse(&basic, header))
		return PASSWORD_WRONG;
	peer_find(connection, peer);
	verdict = passwords_check(gate->passwords, settings, peer, &basic, &pass->waiter);
	explicit_bzero(&basic, sizeof(basic));
	return verdict;
}

static int refuse(struct gate *gate, enum refusal *to, enum refusal refusal)
{
	*to = refusal;
	gate->refused[refusal]++;
	return -EACCES;
}

int gate_check(struct gate *gate, struct gate_pass *pass, const struct settings *settings,
	       struct MHD_Connection *connection, uint64_t now_ns, enum refusal *refusal)
{
	const char *header;

	pass->waiting = false;
	if (pass->open || !settings)
		return 0;
	if (!pass->counted &&
	    !limit_take(&gate->limit, settings->rate_interval_ns, settings->rate_burst, now_ns))
		return refuse(gate, refusal, REFUSAL_RATE);
	pass->counted = true;
	if (settings->user_count) {
		header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						     MHD_HTTP_HEADER_AUTHORIZATION);
		if (!header)
			return refuse(gate, refusal, REFUSAL_NO_PASSWORD);
		switch (password_check(gate, pass, settings, connection, header)) {
		case PASSWORD_RIGHT: break;
		case PASSWORD_WRONG: return refuse(gate, refusal, REFUSAL_PASSWORD);
		case PASSWORD_BUSY: return refuse(gate, refusal, REFUSAL_PASSWORDS_BUSY);
		case PASSWORD_WAIT: pass->waiting = true; return -EAGAIN;
		}
	}
	pass->open = true;
	return 0;
}

void gate_leave(struct gate *gate, struct gate_pass *pass)
{
	if (pass->waiting)
		passwords_remove(gate->passwords, &pass->waiter);
	pass->waiting = false;
}

bool limit_take(struct limit *limit, uint64_t interval_ns, uint32_t burst, uint64_t now_ns)
{
	/*
	 * An interval is at most UINT64_MAX / 4 and a burst 10^9, so the product may overflow:
	 * limit it.
	 */
	uint64_t most = interval_ns && burst > UINT64_MAX / 4 / interval_ns ? UINT64_MAX / 4
									    : interval_ns * burst;

	if (!interval_ns)
		return true;
	if (!limit->begun || limit->full_ns < now_ns)
		limit->full_ns = now_ns;
	limit->begun = true;
	if (limit->full_ns - now_ns + interval_ns > most)
		return false;
	limit->full_ns += interval_ns;
	return true;
}

const char *refusal_name(enum refusal refusal)
{
#define WORD_(id, word) #word,
	static const char *const names[] = { REFUSAL_REASONS(WORD_) };
#undef WORD_

	return names[refusal];
}
