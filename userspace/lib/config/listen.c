// SPDX-License-Identifier: Apache-2.0
/*
 * Listen addresses: numeric, or names from /etc/hosts. Never DNS: it may need the proxy's tunnel,
 * which is not up yet.
 */
#include "lib/config/option.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"

static int numeric_parse(struct config_address *address, const char *host)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	if (getaddrinfo(host, NULL, &hints, &found))
		return -EINVAL;
	memcpy(&address->address, found->ai_addr, found->ai_addrlen);
	address->length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

/*
 * Avoids getaddrinfo and NSS: they query DNS, and load libraries that every process would keep.
 */
static int hosts_parse(struct config_address *address, const char *host)
{
	_cleanup_fclose_ FILE *hosts = fopen("/etc/hosts", "re");
	char line[1024];

	while (hosts && fgets(line, sizeof(line), hosts)) {
		char *rest = line, *number, *name;

		line[strcspn(line, "#\n")] = '\0';
		number = strtok_r(rest, " \t", &rest);
		if (!number)
			continue;
		while ((name = strtok_r(NULL, " \t", &rest)))
			if (!strcasecmp(name, host) && !numeric_parse(address, number))
				return 0;
	}
	return -ENOENT;
}

static void port_set(struct config_address *address, uint16_t port)
{
	if (address->address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&address->address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)&address->address)->sin_port = htons(port);
}

static int address_parse(struct option_reader *reader, struct config_address *address,
			 const char *value)
{
	char text[sizeof(address->text)];
	char *host = text, *colon;
	unsigned long port;
	size_t length = strnlen(value, sizeof(text));

	if (length == sizeof(text))
		return option_refuse(reader, "must be at most 79 bytes");
	memcpy(text, value, length + 1);
	colon = strrchr(text, ':');
	if (!colon)
		return option_refuse(reader, "must be HOST:PORT or :PORT");
	if (number_parse(&port, colon + 1, 1, 65535))
		return option_refuse(reader, "must end with a port (1 to 65535)");
	*colon = '\0';
	memset(address, 0, sizeof(*address));
	if (!*host) {
		struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					    .sin6_addr = IN6ADDR_ANY_INIT };

		memcpy(&address->address, &any, sizeof(any));
		address->length = sizeof(any);
	} else if (*host == '[') {
		if (colon[-1] != ']')
			return option_refuse(reader,
					     "an IPv6 address must be in brackets: [::1]:PORT");
		colon[-1] = '\0';
		if (numeric_parse(address, host + 1) || address->address.ss_family != AF_INET6)
			return option_refuse(reader, "the brackets must hold an IPv6 address");
	} else if (strchr(host, ':')) {
		return option_refuse(reader, "an IPv6 address must be in brackets: [::1]:PORT");
	} else if (numeric_parse(address, host) && hosts_parse(address, host)) {
		return option_refuse(reader,
				     "the host is neither an address nor a name in /etc/hosts");
	}
	port_set(address, (uint16_t)port);
	memcpy(address->text, value, length + 1);
	return 0;
}

int read_metrics_address(struct option_reader *reader, unsigned int data, const char *value)
{
	struct config *config = reader->config;
	int r;

	if (config->metrics_count == CONFIG_ADDRESSES_MAX)
		return option_refuse(reader, "must be at most 8 addresses");
	r = address_parse(reader, &config->metrics[config->metrics_count], value);
	if (!r)
		config->metrics_count++;
	return r;
}

int read_health_address(struct option_reader *reader, unsigned int data, const char *value)
{
	return address_parse(reader, &reader->config->health, value);
}

/* Turns the bare number of a legacy variable into ":PORT". */
static int port_value(struct option_reader *reader, char out[static 8], const char *value)
{
	unsigned long port;

	if (number_parse(&port, value, 1, 65535))
		return option_refuse(reader, "must be a port (1 to 65535)");
	snprintf(out, 8, ":%hu", (unsigned short)port);
	return 0;
}

int read_metrics_port(struct option_reader *reader, unsigned int data, const char *value)
{
	char address[8];
	int r = port_value(reader, address, value);

	return r ? r : read_metrics_address(reader, data, address);
}

int read_health_port(struct option_reader *reader, unsigned int data, const char *value)
{
	char address[8];
	int r = port_value(reader, address, value);

	return r ? r : read_health_address(reader, data, address);
}
