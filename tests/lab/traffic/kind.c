// SPDX-License-Identifier: Apache-2.0
#include "kind.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *const outcome_names[OUTCOME_COUNT] = {
	"success",
	"general_failure",
	"not_allowed",
	"network_unreachable",
	"host_unreachable",
	"connection_refused",
	"ttl_expired",
	"command_not_supported",
	"address_type_not_supported",
	"no_acceptable_method",
	"auth_failed",
	"client_abort",
	"server_abort",
	"protocol_error",
	"other",
	"no_request",
};

struct word {
	const char *name;
	int value;
};

static const struct word protos[] = {
	{ "5", PROTO_SOCKS5 }, { "4", PROTO_SOCKS4 }, { "4a", PROTO_SOCKS4A }, {}
};
static const struct word auths[] = { { "default", AUTH_DEFAULT },
				     { "none", AUTH_NONE },
				     { "good", AUTH_GOOD },
				     { "bad", AUTH_BAD },
				     { "empty", AUTH_EMPTY },
				     { "unacceptable", AUTH_UNACCEPTABLE },
				     {} };
static const struct word addressings[] = { { "ipv4", BY_IPV4 },
					   { "ipv6", BY_IPV6 },
					   { "name", BY_NAME },
					   { "name4", BY_NAME4 },
					   { "name6", BY_NAME6 },
					   { "unknown", BY_UNKNOWN_TYPE },
					   {} };
static const struct word dests[] = { { "target", DEST_TARGET },
				     { "closed", DEST_CLOSED },
				     { "blocked", DEST_BLOCKED },
				     { "unresolved", DEST_UNRESOLVED },
				     { "swallow", DEST_SWALLOW },
				     { "hostunreach", DEST_HOST_UNREACHABLE },
				     { "netunreach", DEST_NET_UNREACHABLE },
				     {} };
static const struct word shapes[] = {
	{ "plain", SHAPE_PLAIN }, { "bytes", SHAPE_BYTES }, { "onewrite", SHAPE_ONE_WRITE }, {}
};
static const struct word leaves[] = { { "end", LEAVE_END },
				      { "connect", LEAVE_CONNECT },
				      { "greeting", LEAVE_GREETING },
				      { "method", LEAVE_METHOD },
				      { "request", LEAVE_REQUEST },
				      { "reply", LEAVE_REPLY },
				      {} };

/* A name stands for a few keys; all of them may be said again behind it. */
static const struct {
	const char *name, *keys;
} names[] = {
	{ "connect", "" },
	{ "transfer", "up=1000 down=10000" },
	{ "bind", "command=2 down=100" },
	{ "udp", "command=3" },
	{ "refused", "to=closed" },
	{ "blocked", "to=blocked" },
	{ "unresolved", "to=unresolved addr=name" },
	{ "timeout", "to=swallow" },
	{ "hostunreach", "to=hostunreach" },
	{ "netunreach", "to=netunreach" },
	{ "badauth", "auth=bad" },
	{ "emptyauth", "auth=empty" },
	{ "nomethod", "auth=unacceptable" },
	{ "badcommand", "command=9" },
	{ "badaddress", "addr=unknown" },
	{ "abort", "to=swallow leave=request wait=500" },
	{ "unread", "leave=reply" },
	{ "leaveconnect", "leave=connect" },
	{ "leavegreeting", "leave=greeting" },
	{ "leavemethod", "leave=method" },
	{ "hold", "hold" },
	{ "silent", "opening=silent wait=50" },
	{ "http", "opening=http wait=1000" },
	{ "tls", "opening=tls wait=1000" },
	{ "zeros", "opening=zeros wait=1000" },
};

static const struct word openings[] = { { "socks", OPEN_SOCKS }, { "silent", OPEN_SILENT },
					{ "http", OPEN_HTTP },	 { "tls", OPEN_TLS },
					{ "zeros", OPEN_ZEROS }, {} };

static int word_find(const struct word *words, const char *name)
{
	for (; words->name; words++) {
		if (!strcmp(words->name, name))
			return words->value;
	}
	return -EINVAL;
}

static int outcome_find(const char *name)
{
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		if (!strcmp(outcome_names[i], name))
			return i;
	}
	return strcmp(name, "any") ? -EINVAL : OUTCOME_ANY;
}

static enum outcome outcome_expected(const struct kind *kind)
{
	static const enum outcome of_dest[DEST_COUNT] = {
		[DEST_TARGET] = OUTCOME_SUCCESS,
		[DEST_CLOSED] = OUTCOME_CONNECTION_REFUSED,
		[DEST_BLOCKED] = OUTCOME_NOT_ALLOWED,
		[DEST_UNRESOLVED] = OUTCOME_HOST_UNREACHABLE,
		[DEST_SWALLOW] = OUTCOME_TTL_EXPIRED,
		[DEST_HOST_UNREACHABLE] = OUTCOME_HOST_UNREACHABLE,
		[DEST_NET_UNREACHABLE] = OUTCOME_NETWORK_UNREACHABLE,
	};

	if (kind->opening != OPEN_SOCKS)
		return OUTCOME_NO_REQUEST;
	if (kind->leave >= LEAVE_CONNECT && kind->leave <= LEAVE_METHOD)
		return OUTCOME_NO_REQUEST;
	if (kind->auth == AUTH_BAD || kind->auth == AUTH_EMPTY)
		return OUTCOME_AUTH_FAILED;
	if (kind->auth == AUTH_UNACCEPTABLE)
		return OUTCOME_NO_ACCEPTABLE_METHOD;
	if (kind->leave == LEAVE_REQUEST)
		return OUTCOME_CLIENT_ABORT;
	/* dante closes without a reply. */
	if (kind->command > COMMAND_UDP || kind->addressing == BY_UNKNOWN_TYPE)
		return OUTCOME_SERVER_ABORT;
	if (kind_dest(kind) != DEST_TARGET && kind->proto != PROTO_SOCKS5)
		return OUTCOME_GENERAL_FAILURE;
	return of_dest[kind->dest];
}

static int flag_apply(struct kind *kind, const char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "rst", &kind->reset },     { "hold", &kind->hold },	    { "half", &kind->half },
		{ "banner", &kind->banner }, { "closing", &kind->closing },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (!strcmp(flags[i].name, word)) {
			*flags[i].flag = true;
			return 0;
		}
	}
	return -EINVAL;
}

static int number_apply(struct kind *kind, const char *key, const char *value)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (!*value || *end)
		return -EINVAL;
	if (!strcmp(key, "up"))
		kind->up = number;
	else if (!strcmp(key, "down"))
		kind->down = number;
	else if (!strcmp(key, "wait"))
		kind->wait_ms = number;
	else if (!strcmp(key, "command") && number < 256)
		kind->command = number;
	else
		return -EINVAL;
	return 0;
}

static int key_apply(struct kind *kind, const char *word)
{
	char key[16] = "";
	const char *value = strchr(word, '=');
	int found;

	if (!value)
		return flag_apply(kind, word);
	snprintf(key, sizeof(key), "%.*s", (int)(value++ - word), word);
#define CHOICE(name, words, field)               \
	if (!strcmp(key, name)) {                \
		found = word_find(words, value); \
		if (found >= 0)                  \
			kind->field = found;     \
		return found < 0 ? found : 0;    \
	}
	CHOICE("opening", openings, opening)
	CHOICE("socks", protos, proto)
	CHOICE("auth", auths, auth)
	CHOICE("addr", addressings, addressing)
	CHOICE("to", dests, dest)
	CHOICE("shape", shapes, shape)
	CHOICE("leave", leaves, leave)
#undef CHOICE
	if (!strcmp(key, "expect")) {
		found = outcome_find(value);
		kind->expect = found;
		return found < 0 ? found : 0;
	}
	return number_apply(kind, key, value);
}

static int keys_apply(struct kind *kind, char *keys)
{
	char *rest = NULL;

	for (char *word = strtok_r(keys, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (key_apply(kind, word)) {
			fprintf(stderr, "traffic: \"%s\": what is %s?\n", kind->line, word);
			return -EINVAL;
		}
	}
	return 0;
}

int kind_parse(struct kind *kind, const char *line)
{
	char name[32], keys[160];
	int used = 0;

	*kind = (struct kind){ .command = COMMAND_CONNECT, .expect = -1 };
	snprintf(kind->line, sizeof(kind->line), "%s", line);
	kind->line[strcspn(kind->line, "\n")] = 0;
	if (sscanf(kind->line, "%u %31s%n", &kind->count, name, &used) < 2) {
		fprintf(stderr, "traffic: \"%s\" is not COUNT NAME [KEY=VALUE]...\n", kind->line);
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i].name, name))
			continue;
		snprintf(keys, sizeof(keys), "%s", names[i].keys);
		if (keys_apply(kind, keys))
			return -EINVAL;
		snprintf(keys, sizeof(keys), "%s", kind->line + used);
		if (keys_apply(kind, keys))
			return -EINVAL;
		if (kind->shape == SHAPE_ONE_WRITE &&
		    (kind->leave == LEAVE_GREETING || kind->leave == LEAVE_METHOD)) {
			fprintf(stderr, "traffic: \"%s\": the request goes with the greeting\n",
				kind->line);
			return -EINVAL;
		}
		if ((int)kind->expect == -1)
			kind->expect = outcome_expected(kind);
		return 0;
	}
	fprintf(stderr, "traffic: \"%s\": there is no %s\n", kind->line, name);
	return -EINVAL;
}

static void words_print(FILE *out, const char *key, const struct word *words)
{
	fprintf(out, "  %s=", key);
	for (; words->name; words++)
		fprintf(out, "%s%s", words->name, words[1].name ? "|" : "\n");
}

void kind_help(FILE *out)
{
	fputs("A kind is \"COUNT NAME [KEY=VALUE | FLAG]...\". Names, and the keys they stand "
	      "for:\n",
	      out);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		fprintf(out, "  %-14s %s\n", names[i].name, names[i].keys);
	fputs("Keys:\n", out);
	words_print(out, "opening", openings);
	words_print(out, "socks", protos);
	words_print(out, "auth", auths);
	fputs("  command=1 (connect), 2 (bind), 3 (udp associate) or another\n", out);
	words_print(out, "addr", addressings);
	words_print(out, "to", dests);
	words_print(out, "shape", shapes);
	words_print(out, "leave", leaves);
	fputs("  wait=MS before it leaves  up=BYTES  down=BYTES  expect=OUTCOME|any\n"
	      "Flags: rst (ends by RST)  hold  half (FIN after the request)  banner  closing (the "
	      "target closes "
	      "first)\n",
	      out);
}
