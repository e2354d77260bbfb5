// SPDX-License-Identifier: Apache-2.0
#include "web/response/body.h"

#include <stdlib.h>

struct body *body_use(struct body *body)
{
	body->users++;
	return body;
}

void body_release(struct body *body)
{
	if (!body || --body->users)
		return;
	text_free(&body->text);
	free(body);
}

struct body *body_renew(struct body **kept)
{
	if (!*kept || (*kept)->users > 1) {
		struct body *body = calloc(1, sizeof(*body));

		if (!body)
			return NULL;
		body_release(*kept);
		*kept = body_use(body);
	}
	text_reset(&(*kept)->text);
	return *kept;
}
