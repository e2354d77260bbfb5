// SPDX-License-Identifier: Apache-2.0
#include "health/clients.h"

#include <stddef.h>

void clients_init(struct clients *clients)
{
	clients->oldest = clients->youngest = CLIENT_NONE;
	clients->free = 0;
	clients->count = 0;
	for (uint16_t i = 0; i < CLIENTS_MAX; i++)
		clients->table[i].next_free = i + 1 < CLIENTS_MAX ? i + 1 : CLIENT_NONE;
}

struct client *client_add(struct clients *clients, int fd, uint64_t deadline_ns)
{
	uint16_t index = clients->free;
	struct client *client;

	if (index == CLIENT_NONE)
		return NULL;
	client = &clients->table[index];
	clients->free = client->next_free;
	clients->count++;
	client->fd = fd;
	client->begun = false;
	client->answered = false;
	client->deadline_ns = deadline_ns;
	client->older = clients->youngest;
	client->younger = CLIENT_NONE;
	if (client->older == CLIENT_NONE)
		clients->oldest = index;
	else
		clients->table[client->older].younger = index;
	clients->youngest = index;
	return client;
}

void client_remove(struct clients *clients, struct client *client)
{
	if (client->older == CLIENT_NONE)
		clients->oldest = client->younger;
	else
		clients->table[client->older].younger = client->younger;
	if (client->younger == CLIENT_NONE)
		clients->youngest = client->older;
	else
		clients->table[client->younger].older = client->older;
	client->fd = -1;
	client->next_free = clients->free;
	clients->free = client_index(clients, client);
	clients->count--;
}

struct client *client_oldest(struct clients *clients)
{
	return clients->oldest == CLIENT_NONE ? NULL : &clients->table[clients->oldest];
}

struct http_request *client_request(struct clients *clients, const struct client *client)
{
	return &clients->requests[client_index(clients, client)];
}

uint16_t client_index(const struct clients *clients, const struct client *client)
{
	return (uint16_t)(client - clients->table);
}
