// SPDX-License-Identifier: Apache-2.0
#include "tally.h"

#include <stdlib.h>
#include <string.h>

enum { UNEXPECTED_MAX = 64 };

static struct {
	char name[256];
	uint64_t count;
} unexpected[UNEXPECTED_MAX];
static uint64_t unexpected_count;

void tally_request(struct tally *tally, unsigned int command, enum outcome outcome)
{
	tally->outcomes[outcome]++;
	if (outcome != OUTCOME_NO_REQUEST)
		tally->requests[command <= COMMAND_UDP ? command : 0]++;
}

static void latencies_append(struct tally *tally, const uint32_t *values, size_t count)
{
	if (tally->latency_count + count > tally->latency_room) {
		tally->latency_room = (tally->latency_count + count) * 2;
		tally->latencies = realloc(tally->latencies, tally->latency_room * sizeof(*values));
		if (!tally->latencies)
			abort();
	}
	memcpy(tally->latencies + tally->latency_count, values, count * sizeof(*values));
	tally->latency_count += count;
}

void tally_latency(struct tally *tally, uint64_t ns)
{
	uint32_t us = ns / 1000;

	latencies_append(tally, &us, 1);
}

void tally_add(struct tally *into, const struct tally *from)
{
	into->connections += from->connections;
	for (int i = 0; i < 4; i++)
		into->requests[i] += from->requests[i];
	for (int i = 0; i < OUTCOME_COUNT; i++)
		into->outcomes[i] += from->outcomes[i];
	for (int i = 0; i < DEST_COUNT; i++)
		into->asked[i] += from->asked[i];
	into->sent += from->sent;
	into->received += from->received;
	into->up += from->up;
	into->down += from->down;
	into->datagrams += from->datagrams;
	if (from->latency_count)
		latencies_append(into, from->latencies, from->latency_count);
}

void unexpected_add(const char *event, const struct kind *kind)
{
	char name[256];

	snprintf(name, sizeof(name), "%s in \"%s\"", event, kind->line);
	unexpected_count++;
	for (int i = 0; i < UNEXPECTED_MAX; i++) {
		if (!unexpected[i].count)
			memcpy(unexpected[i].name, name, sizeof(name));
		if (!strcmp(unexpected[i].name, name) || i == UNEXPECTED_MAX - 1) {
			unexpected[i].count++;
			return;
		}
	}
}

uint64_t unexpected_total(void)
{
	return unexpected_count;
}

static int latency_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double percentile(const struct tally *tally, double share)
{
	if (!tally->latency_count)
		return 0;
	return tally->latencies[(size_t)(share * (tally->latency_count - 1))] / 1e6;
}

static void failures_print(FILE *out, const struct tally *tally)
{
	fputs("\"failures\": {", out);
	for (int i = OUTCOME_GENERAL_FAILURE; i < OUTCOME_NO_REQUEST; i++)
		fprintf(out, "%s\"%s\": %lu", i > OUTCOME_GENERAL_FAILURE ? ", " : "",
			outcome_names[i], tally->outcomes[i]);
	fputs("}, ", out);
}

void tally_print(FILE *out, struct tally *tally, double seconds)
{
	const uint64_t *r = tally->requests;
	const uint64_t *asked = tally->asked;
	uint64_t total = r[0] + r[1] + r[2] + r[3];

	if (tally->latency_count)
		qsort(tally->latencies, tally->latency_count, sizeof(uint32_t), latency_compare);
	fprintf(out, "\"client_connections\": %lu, \"requests_total\": %lu, ", tally->connections,
		total);
	fprintf(out,
		"\"requests\": {\"connect\": %lu, \"bind\": %lu, \"udp_associate\": %lu, "
		"\"unknown\": %lu}, ",
		r[COMMAND_CONNECT], r[COMMAND_BIND], r[COMMAND_UDP], r[0]);
	fprintf(out, "\"successful\": %lu, \"failed\": %lu, ", tally->outcomes[OUTCOME_SUCCESS],
		total - tally->outcomes[OUTCOME_SUCCESS]);
	failures_print(out, tally);
	fprintf(out, "\"no_request\": %lu, ", tally->outcomes[OUTCOME_NO_REQUEST]);
	fprintf(out,
		"\"asked\": {\"target\": %lu, \"closed\": %lu, \"blocked\": %lu, \"unresolved\": "
		"%lu, "
		"\"swallow\": %lu, \"hostunreach\": %lu, \"netunreach\": %lu}, ",
		asked[0], asked[1], asked[2], asked[3], asked[4], asked[5], asked[6]);
	fprintf(out,
		"\"bytes\": {\"sent\": %lu, \"received\": %lu}, \"payload\": {\"up\": %lu, "
		"\"down\": %lu}, ",
		tally->sent, tally->received, tally->up, tally->down);
	fprintf(out,
		"\"datagrams\": %lu, \"duration_seconds\": %.6f, \"requests_per_second\": %.1f, ",
		tally->datagrams, seconds, seconds > 0 ? total / seconds : 0);
	fprintf(out,
		"\"latency_seconds\": {\"p50\": %.6f, \"p90\": %.6f, \"p99\": %.6f, \"max\": %.6f}",
		percentile(tally, .5), percentile(tally, .9), percentile(tally, .99),
		percentile(tally, 1));
}

static void string_print(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', out);
}

void unexpected_print(FILE *out)
{
	fprintf(out, "\"unexpected_total\": %lu, \"unexpected\": {", unexpected_count);
	for (int i = 0; i < UNEXPECTED_MAX && unexpected[i].count; i++) {
		fputs(i ? ", " : "", out);
		string_print(out, unexpected[i].name);
		fprintf(out, ": %lu", unexpected[i].count);
	}
	fputc('}', out);
}
