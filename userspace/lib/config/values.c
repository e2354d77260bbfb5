// SPDX-License-Identifier: Apache-2.0
#include "lib/config/option.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/text/utf8.h"

int number_parse(unsigned long *number, const char *text, unsigned long min, unsigned long max)
{
	unsigned long n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned long)(*text - '0');
		if (n > max)
			return -EINVAL;
	}
	if (n < min)
		return -EINVAL;
	*number = n;
	return 0;
}

/* The index of `value` in `words`, or -EINVAL. Ignores case. */
static int word_find(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcasecmp(value, words[i]))
			return i;
	return -EINVAL;
}

/* Copies a value that is not empty and fits. Returns 0 or -EINVAL. */
static int text_copy(char *out, size_t size, const char *value)
{
	size_t length = strnlen(value, size);

	if (!length || length == size)
		return -EINVAL;
	memcpy(out, value, length + 1);
	return 0;
}

int read_mode(struct option_reader *reader, unsigned int data, const char *value)
{
	static const char *const MODES[] = { "sidecar", "node", NULL };
	int mode = word_find(value, MODES);

	if (mode < 0)
		return option_refuse(reader, "must be sidecar or node");
	reader->config->mode = (enum config_mode)mode;
	return 0;
}

int read_proxy_name(struct option_reader *reader, unsigned int data, const char *value)
{
	char *name = reader->config->proxy_name;
	/* + 4: one more whole character than fits, to notice the cut */
	size_t used = 0, left = strnlen(value, CONFIG_NAME_SIZE + 4);
	bool replaced = false, cut = false;

	if (!left)
		return option_refuse(reader, "must not be empty");
	while (left) {
		size_t length = utf8_length(value, left);
		const char *character = length ? value : UTF8_REPLACEMENT;
		size_t written = length ? length : strlen(UTF8_REPLACEMENT);

		if (used + written >= CONFIG_NAME_SIZE) {
			cut = true;
			break;
		}
		memcpy(name + used, character, written);
		used += written;
		replaced |= !length;
		value += length ? length : 1;
		left -= length ? length : 1;
	}
	name[used] = '\0';
	if (replaced)
		fprintf(reader->notices,
			"--proxy.name\tnot valid UTF-8, invalid bytes replaced by U+FFFD\n");
	if (cut)
		fprintf(reader->notices, "--proxy.name\tlonger than %d bytes, truncated\n",
			CONFIG_NAME_SIZE - 1);
	return 0;
}

int read_interface(struct option_reader *reader, unsigned int data, const char *value)
{
	if (text_copy(reader->config->interface, sizeof(reader->config->interface), value))
		return option_refuse(reader, "must have 1 to 63 characters");
	return 0;
}

int list_read(struct option_reader *reader, const char *value,
	      int (*each)(struct option_reader *reader, const char *part))
{
	for (;;) {
		size_t length = strcspn(value, ",");
		size_t blanks = strspn(value, " ");
		char part[64];
		int r;

		if (blanks > length)
			blanks = length;
		if (length - blanks >= sizeof(part))
			return option_refuse(reader, "a list entry is longer than 63 bytes");
		memcpy(part, value + blanks, length - blanks);
		part[length - blanks] = '\0';
		for (size_t end = length - blanks; end && part[end - 1] == ' '; end--)
			part[end - 1] = '\0';
		r = each(reader, part);
		if (r || !value[length])
			return r;
		value += length + 1;
	}
}

static int port_add(struct option_reader *reader, const char *part)
{
	struct config *config = reader->config;
	unsigned long port;

	if (number_parse(&port, part, 1, 65535))
		return option_refuse(reader, "must be a port (1 to 65535)");
	for (unsigned int i = 0; i < config->port_count; i++)
		if (config->ports[i] == port)
			return 0;
	if (config->port_count == CONFIG_PORTS_MAX)
		return option_refuse(reader, "must be at most 8 ports");
	config->ports[config->port_count++] = (uint16_t)port;
	return 0;
}

int read_ports(struct option_reader *reader, unsigned int data, const char *value)
{
	return list_read(reader, value, port_add);
}

static int process_add(struct option_reader *reader, const char *part)
{
	struct config *config = reader->config;

	if (config->process_count == CONFIG_PROCESSES_MAX)
		return option_refuse(reader, "must be at most 4 names");
	/*
	 * The BPF programs compare all 16 bytes of a name. config_parse zeroed struct config, so
	 * the bytes after the name are 0.
	 */
	if (text_copy(config->processes[config->process_count], sizeof(config->processes[0]), part))
		return option_refuse(reader, "a process name must have 1 to 15 characters");
	config->process_count++;
	return 0;
}

int read_processes(struct option_reader *reader, unsigned int data, const char *value)
{
	return list_read(reader, value, process_add);
}

int read_pin_path(struct option_reader *reader, unsigned int data, const char *value)
{
	if (!strcmp(value, "none")) {
		reader->config->pin_path[0] = '\0';
		return 0;
	}
	if (value[0] != '/')
		return option_refuse(reader, "must be none or an absolute path");
	if (text_copy(reader->config->pin_path, sizeof(reader->config->pin_path), value))
		return option_refuse(reader, "must be at most 255 bytes");
	return 0;
}

#define WORD_(id, word) #word,
static const char *const ATTACH_WORDS[] = { CONFIG_ATTACH_MODES(WORD_) NULL };
#undef WORD_

const char *config_attach_name(enum config_attach attach)
{
	return ATTACH_WORDS[attach];
}

int read_attach(struct option_reader *reader, unsigned int data, const char *value)
{
	int mode = word_find(value, ATTACH_WORDS);

	if (mode < 0)
		return option_refuse(reader, "must be auto, tcx or clsact");
	reader->config->attach = (enum config_attach)mode;
	return 0;
}

int read_proxies_max(struct option_reader *reader, unsigned int data, const char *value)
{
	unsigned long n;

	if (number_parse(&n, value, 1, 65535))
		return option_refuse(reader, "must be 1 to 65535");
	reader->config->proxies_max = (uint32_t)n;
	return 0;
}

int read_destinations_max(struct option_reader *reader, unsigned int data, const char *value)
{
	unsigned long n;

	if (number_parse(&n, value, 1, 10000)) /* ABI_DESTINATIONS_MAX */
		return option_refuse(reader, "must be 1 to 10000");
	reader->config->destinations_max = (uint32_t)n;
	return 0;
}

int read_destinations_label(struct option_reader *reader, unsigned int data, const char *value)
{
	static const char *const LABELS[] = { "address", "name", NULL };
	int label = word_find(value, LABELS);

	if (label < 0)
		return option_refuse(reader, "must be address or name");
	reader->config->destinations_label = (enum config_label)label;
	return 0;
}

int read_geoip_database(struct option_reader *reader, unsigned int data, const char *value)
{
	if (value[0] != '/')
		return option_refuse(reader, "must be an absolute path");
	if (text_copy(reader->config->geoip_database, sizeof(reader->config->geoip_database),
		      value))
		return option_refuse(reader, "must be at most 255 bytes");
	return 0;
}

int read_telemetry_path(struct option_reader *reader, unsigned int data, const char *value)
{
	if (value[0] != '/')
		return option_refuse(reader, "must begin with /");
	if (!value[1] || value[1] == '-')
		return option_refuse(reader, "must not be / or begin with /-, which are in use");
	for (const char *c = value; *c; c++)
		if (*c <= ' ' || *c == 0x7f || strchr("?#%\"<>&", *c))
			return option_refuse(
				reader,
				"must not contain blanks, control characters or any of ?#%\"<>&");
	if (text_copy(reader->config->telemetry_path, sizeof(reader->config->telemetry_path),
		      value))
		return option_refuse(reader, "must be at most 63 bytes");
	return 0;
}

int read_web_config_file(struct option_reader *reader, unsigned int data, const char *value)
{
	if (!*value)
		return option_refuse(reader, "must not be empty");
	if (text_copy(reader->config->web_config_file, sizeof(reader->config->web_config_file),
		      value))
		return option_refuse(reader, "must be at most 255 bytes");
	return 0;
}

int read_max_requests(struct option_reader *reader, unsigned int data, const char *value)
{
	unsigned long n;

	if (number_parse(&n, value, 0, 65535))
		return option_refuse(reader, "must be 0 to 65535");
	reader->config->max_requests = (uint32_t)n;
	return 0;
}

int read_log_level(struct option_reader *reader, unsigned int data, const char *value)
{
	static const char *const LEVELS[] = { "debug", "info", "warn", "error", NULL };
	int level = word_find(value, LEVELS);

	if (level < 0)
		return option_refuse(reader, "must be debug, info, warn or error");
	reader->config->log_level = (enum log_level)level;
	return 0;
}

int read_log_format(struct option_reader *reader, unsigned int data, const char *value)
{
	static const char *const FORMATS[] = { "logfmt", "json", NULL };
	int format = word_find(value, FORMATS);

	if (format < 0)
		return option_refuse(reader, "must be logfmt or json");
	reader->config->log_json = format == 1;
	return 0;
}

static int switch_parse(struct option_reader *reader, const char *value, bool *on)
{
	static const char *const WORDS[] = { "false", "true", "0",  "1", "no",
					     "yes",   "off",  "on", NULL };
	int word = word_find(value, WORDS);

	if (word < 0)
		return option_refuse(reader, "must be true or false");
	*on = word & 1;
	return 0;
}

int read_switch(struct option_reader *reader, unsigned int data, const char *value)
{
	return switch_parse(reader, value, (bool *)((char *)reader->config + data));
}

int read_collector(struct option_reader *reader, unsigned int collector, const char *value)
{
	bool on;
	int r = switch_parse(reader, value, &on);

	if (r)
		return r;
	if (on)
		reader->config->collectors |= 1u << collector;
	else
		reader->config->collectors &= ~(1u << collector);
	return 0;
}

/*
 * PRICE[CURRENCY]: digits with at most one decimal point, optional blanks, three letters.
 */
#define PRICE_DIGITS_MAX 15

int read_cost(struct option_reader *reader, unsigned int data, const char *value)
{
	size_t digits = strspn(value, "0123456789"), length = digits;
	const char *currency;
	char price[PRICE_DIGITS_MAX + 2];

	if (value[length] == '.')
		length += 1 + strspn(value + length + 1, "0123456789");
	if (!digits || value[length - 1] == '.' || length > PRICE_DIGITS_MAX)
		return option_refuse(reader,
				     "must be a price with an optional currency (0.05 or 0.05EUR)");
	memcpy(price, value, length);
	price[length] = '\0';
	currency = value + length + strspn(value + length, " ");
	if (!*currency)
		currency = "USD";
	if (strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != 3 ||
	    currency[3])
		return option_refuse(
			reader, "the currency must be three letters (ISO 4217), as in 0.05EUR");
	for (int i = 0; i < 3; i++)
		reader->config->cost_currency[i] = (char)(currency[i] & ~0x20);
	reader->config->cost_per_gigabyte = strtod(price, NULL);
	return 0;
}
