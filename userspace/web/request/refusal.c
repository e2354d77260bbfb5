// SPDX-License-Identifier: Apache-2.0
#include "web/request/refusal.h"

const char *refusal_name(enum refusal refusal)
{
#define WORD_(id, word) #word,
	static const char *const names[] = { REFUSAL_REASONS(WORD_) };
#undef WORD_

	return names[refusal];
}
