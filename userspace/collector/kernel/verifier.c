// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/verifier.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log/log.h"

/* Format: "libbpf: prog 'NAME': -- BEGIN PROG LOAD LOG --\n…-- END PROG LOAD LOG --\n" */
static const char NAME[] = "prog '", BEGIN[] = "-- BEGIN PROG LOAD LOG --\n",
		  END[] = "-- END PROG LOAD LOG --";

static const char *last_lines(const char *begin, const char *end)
{
	unsigned int lines = 0;
	const char *at = end;

	while (at > begin && (at[-1] != '\n' || ++lines < VERIFIER_LINES))
		at--;
	return at;
}

bool verifier_log_take(struct verifier_log *log, const char *message)
{
	const char *begin = strstr(message, BEGIN), *name = strstr(message, NAME), *end;
	size_t length;

	if (!begin || !name || name > begin)
		return false;
	if (log->text)
		return true;
	name += sizeof(NAME) - 1;
	length = strcspn(name, "'\n");
	if (length >= sizeof(log->program))
		length = sizeof(log->program) - 1;
	memcpy(log->program, name, length);
	log->program[length] = 0;
	begin += sizeof(BEGIN) - 1;
	end = strstr(begin, END) ?: begin + strlen(begin);
	while (end > begin && end[-1] == '\n')
		end--;
	begin = last_lines(begin, end);
	log->text = strndup(begin, (size_t)(end - begin));
	return true;
}

void verifier_log_print(const struct verifier_log *log)
{
	for (const char *line = log->text; line && *line;
	     line += strcspn(line, "\n"), line += *line == '\n')
		log_error("verifier output", field_text("program", log->program),
			  field_bytes("detail", line, strcspn(line, "\n")));
}

void verifier_log_free(struct verifier_log *log)
{
	free(log->text);
	*log = (struct verifier_log){};
}
