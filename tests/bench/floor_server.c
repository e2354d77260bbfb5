// SPDX-License-Identifier: Apache-2.0
/* The minimal HTTP server: `floor_server PORT BYTES` reads once, writes a fixed answer, closes. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1,
	    bytes = argc > 2 ? atoi(argv[2]) : 0;
	char head[128], request[4096], *answer;
	int head_length;

	if (bytes < 1 || bytes > 1 << 20) {
		fprintf(stderr, "Usage: floor_server PORT BYTES\n");
		return 2;
	}
	head_length = snprintf(head, sizeof(head),
			       "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
			       bytes);
	answer = malloc(head_length + bytes);
	if (!answer)
		return 1;
	memcpy(answer, head, head_length);
	memset(answer + head_length, 'x', bytes);
	address.sin_port = htons(atoi(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 512)) {
		perror("floor_server");
		return 1;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (recv(fd, request, sizeof(request), 0) > 0)
			send(fd, answer, head_length + bytes, MSG_NOSIGNAL);
		close(fd);
	}
}
