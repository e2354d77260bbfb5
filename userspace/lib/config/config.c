// SPDX-License-Identifier: Apache-2.0
/*
 * Precedence of sources for each option: the flag, its variable, the variable of the legacy
 * exporter, the default.
 */
#include "lib/config/config.h"

#include <argp.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/config/help.h"
#include "lib/config/option.h"
#include "lib/log/line.h"
#include "lib/metrics/metrics.h"
#include "lib/version/version.h"

struct parser {
	struct option_reader reader;
	uint64_t seen; /* rows set by a flag, one bit each */
	bool done;     /* --help or similar was printed */
	bool refused;  /* a value or an argument was refused, and the error was printed */
};

/*
 * Prints one line: the setting, its value (escaped and truncated; quoted unless it is one plain
 * word) and the reason. Always returns -EINVAL.
 */
static int complain(const char *what, const char *value, const char *why)
{
	char name[64], shown[128];
	const char *quote;

	log_escape(name, sizeof(name), what);
	if (value) {
		log_escape(shown, sizeof(shown), value);
		quote = !*value || strchr(shown, ' ') || strcmp(shown, value) != 0 ? "\"" : "";
		fprintf(stderr, "wgsocks_exporter: %s=%s%s%s: %s\n", name, quote, shown, quote,
			why);
	} else {
		fprintf(stderr, "wgsocks_exporter: %s: %s\n", name, why);
	}
	return -EINVAL;
}

static int flag_read(struct parser *parser, int key, const char *value)
{
	const struct option_row *row = &OPTION_ROWS[help_key_row(key)];
	bool negated = help_key_negated(key);
	char flag[64];

	snprintf(flag, sizeof(flag), "--%s%s", negated ? "no-" : "", row->flag);
	if (negated && value)
		return complain(flag, value, "takes no value");
	parser->seen |= 1ULL << help_key_row(key);
	if (!value && !row->argument)
		value = negated ? "false" : "true";
	if (row->read(&parser->reader, row->data, value))
		return complain(flag, value, parser->reader.why);
	return 0;
}

/* Prints the error for an unknown flag, with the most similar name. */
static int flag_refuse(const char *flag)
{
	const char *nearest = help_flag_nearest(flag);
	char why[128] = "unknown flag (see --help)";

	if (nearest)
		snprintf(why, sizeof(why), "unknown flag, did you mean --%s? (see --help)",
			 nearest);
	return complain(flag, NULL, why);
}

/*
 * argp only reports that an argument is wrong. It is the one before `next`, or `next` itself within
 * "-abc".
 */
static void flag_complain(const struct argp_state *state)
{
	const char *flag = state->argv[state->next - 1];

	if (flag[0] != '-' && state->next < state->argc)
		flag = state->argv[state->next];
	if (help_flag_known(flag))
		complain(flag, NULL, "needs a value");
	else if (help_flag_refuses_value(flag))
		complain(flag, NULL, "takes no value");
	else
		flag_refuse(flag);
}

/*
 * getopt accepts any unambiguous prefix of a flag; this program does not. Returns the flag as
 * written if it is only a prefix, else NULL.
 */
static const char *flag_cut_short(int key, const char *value, const struct argp_state *state)
{
	const char *written = state->argv[state->next - 1], *name = help_flag_name(key);
	size_t length = strlen(name);

	if (value && written == value)
		written = state->argv[state->next - 2];
	if (strncmp(written, "--", 2)) /* -h */
		return NULL;
	if (!strncmp(written + 2, name, length) &&
	    (!written[2 + length] || written[2 + length] == '='))
		return NULL;
	return written;
}

static error_t argument_read(int key, char *value, struct argp_state *state)
{
	struct parser *parser = state->input;
	const char *cut = help_flag_name(key) ? flag_cut_short(key, value, state) : NULL;

	if (cut) {
		parser->refused = true;
		return -flag_refuse(cut);
	}
	switch (key) {
	case HELP_KEY_HELP: help_write(); break;
	case HELP_KEY_VERSION:
		printf("wgsocks_exporter, version %s (revision %s)\n", version_string,
		       version_revision);
		break;
	case HELP_KEY_METRICS: metrics_help_write(stdout); break;
	case ARGP_KEY_ARG:
		parser->refused = true;
		return -complain(value, NULL, "unexpected argument");
	case ARGP_KEY_ERROR:
		if (!parser->refused && !parser->done)
			flag_complain(state);
		return 0;
	default:
		if (!help_key_of_row(key))
			return ARGP_ERR_UNKNOWN;
		parser->refused = flag_read(parser, key, value) != 0;
		return parser->refused ? EINVAL : 0;
	}
	parser->done = true;
	return ECANCELED;
}

static const char *environment_find(char **environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

/* The number of bytes before the first control character, at most `max`. */
static size_t printable_length(const char *text, size_t max)
{
	size_t length = 0;

	while (length < max && (unsigned char)text[length] >= ' ' && text[length] != 0x7f)
		length++;
	return length;
}

/*
 * Kubernetes sets NAME_PORT=tcp://10.0.0.1:9090 for each service NAME. A service "metrics" must not
 * make the start fail.
 */
static bool service_link(const char *name, const char *value)
{
	size_t length = strlen(name);

	return length > 5 && !strcmp(name + length - 5, "_PORT") &&
	       (!strncmp(value, "tcp://", 6) || !strncmp(value, "udp://", 6) ||
		!strncmp(value, "sctp://", 7));
}

/*
 * Reads a variable. Returns 1 if it was read, 0 if it is unset or empty, or -EINVAL.
 */
static int variable_read(struct parser *parser, const struct option_row *row, char **environment,
			 const char *name, option_read read)
{
	const char *value = environment_find(environment, name);

	if (!value || !*value)
		return 0;
	if (service_link(name, value)) {
		/* A notice is one line: the value is cut at the first control character. */
		fprintf(parser->reader.notices, "%s\t%.*s is a Kubernetes service link\n", name,
			(int)printable_length(value, 100), value);
		return 0;
	}
	if (read(&parser->reader, row->data, value))
		return complain(name, value, parser->reader.why);
	return 1;
}

static int environment_read(struct parser *parser, char **environment)
{
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &OPTION_ROWS[i];
		char name[HELP_VARIABLE_SIZE];
		int got;

		if (parser->seen & 1ULL << i)
			continue;
		help_variable(name, row->flag);
		got = variable_read(parser, row, environment, name, row->read);
		if (!got && row->legacy)
			got = variable_read(parser, row, environment, row->legacy,
					    row->read_legacy);
		if (got < 0)
			return got;
	}
	return 0;
}

/* Defaults of lists and of the name; config_parse sets the others before parsing. */
static void defaults_fill(struct option_reader *reader)
{
	struct config *config = reader->config;

	if (!config->metrics_count)
		read_metrics_address(reader, 0, ":9090");
	if (!config->health.length)
		read_health_address(reader, 0, ":9999");
	if (!config->process_count)
		read_processes(reader, 0, "danted,sockd");
	if (!config->proxy_name[0]) {
		char hostname[256] = "";

		gethostname(hostname, sizeof(hostname) - 1);
		read_proxy_name(reader, 0, hostname[0] ? hostname : "unknown");
	}
	if (config->mode == CONFIG_MODE_SIDECAR)
		config->proxies_max = 1;
	if (!config->cost_currency[0])
		config->collectors &= ~(1u << COLLECTOR_COST);
}

/*
 * Turns the collector geoip off unless there are a database and destinations. A notice tells when
 * only the destinations are missing.
 */
static void geoip_need(struct option_reader *reader)
{
	struct config *config = reader->config;
	bool asked = config->geoip_database[0] && config->collectors & 1u << COLLECTOR_GEOIP;

	if (asked && config->collectors & 1u << COLLECTOR_DESTINATIONS)
		return;
	if (asked)
		fprintf(reader->notices,
			"--geoip.database\thas no effect without --collector.destinations\n");
	config->collectors &= ~(1u << COLLECTOR_GEOIP);
}

static void notices_print(char *notices)
{
	for (char *line, *rest = notices; (line = strtok_r(rest, "\n", &rest));) {
		char *reason = line;

		strsep(&reason, "\t");
		log_warn("setting not used as given", field_text("setting", line),
			 field_text("reason", reason));
	}
}

int config_parse(struct config *config, int argc, char **argv, char **environment)
{
	_cleanup_free_ char *notices = NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	_cleanup_free_ struct argp_option *options = NULL;
	struct parser parser = { .reader.config = config };
	struct argp argp = { .parser = argument_read };
	size_t length;
	int r;

	*config = (struct config){
		.interface = "wg0",
		.pin_path = "/sys/fs/bpf/wgsocks",
		.proxies_max = 500,
		.destinations_max = 100,
		.collectors = COLLECTOR_DEFAULT,
		.telemetry_path = "/metrics",
		.max_requests = 40,
		.health_enabled = true,
		.log_level = LOG_LEVEL_INFO,
	};
	stream = open_memstream(&notices, &length);
	options = help_options();
	if (!stream || !options)
		return complain("flags", NULL, "out of memory");
	parser.reader.notices = stream;
	argp.options = options;
	r = argp_parse(&argp, argc, argv, ARGP_SILENT, NULL, &parser);
	if (parser.done)
		return 1;
	if (r || environment_read(&parser, environment))
		return -EINVAL;
	defaults_fill(&parser.reader);
	geoip_need(&parser.reader);
	log_setup(config->log_level, config->log_json);
	fflush(stream);
	notices_print(notices);
	return 0;
}

const char *config_collector_name(unsigned int collector)
{
#define NAME_(id, name, ...) #name,
	static const char *const NAMES[] = { COLLECTORS(NAME_) };
#undef NAME_

	return collector < COLLECTOR_MAX ? NAMES[collector] : NULL;
}
