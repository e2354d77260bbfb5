// SPDX-License-Identifier: Apache-2.0
#include "web/request/refusal.h"

const char *refusal_name(enum refusal refusal)
{
	static const char *const names[REFUSALS] = {
		[REFUSAL_NO_PASSWORD] = "no_password",
		[REFUSAL_PASSWORD] = "password",
		[REFUSAL_PASSWORDS_BUSY] = "passwords_busy",
		[REFUSAL_RATE] = "rate_limit",
		[REFUSAL_TLS] = "tls",
	};

	return names[refusal];
}
