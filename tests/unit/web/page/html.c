// SPDX-License-Identifier: Apache-2.0
#include "web/page/html.h"

#include <criterion/criterion.h>
#include <math.h>

static struct text text;

#define EXPECT(wanted, call)                                          \
	do {                                                          \
		text_reset(&text);                                    \
		call;                                                 \
		text_add(&text, "", 1);                               \
		cr_expect_str_eq(text.data, wanted, "%s", text.data); \
	} while (0)

Test(html, escapes)
{
	EXPECT("&lt;a href=&#39;x&#39;&gt;&amp;&quot;\xc3\xa9",
	       html_escape(&text, "<a href='x'>&\"\xc3\xa9"));
	EXPECT("a&lt;", html_escape_bytes(&text, "a<b", 2));
}

Test(html, queries)
{
	EXPECT("crab-1_.~", html_query(&text, "crab-1_.~"));
	EXPECT("%20%22%3C%3E%26%3D%23%25%2B%C3%A9", html_query(&text, " \"<>&=#%+\xc3\xa9"));
}

Test(html, counts)
{
	EXPECT("0", html_count(&text, 0));
	EXPECT("999", html_count(&text, 999));
	EXPECT("1,000", html_count(&text, 1000));
	EXPECT("18,446,744,073,709,551,615", html_count(&text, UINT64_MAX));
	EXPECT("<data value=1234>1,234</data>", html_count_data(&text, 1234));
}

Test(html, numbers)
{
	EXPECT("0", html_number(&text, 0));
	EXPECT("0.25", html_number(&text, 0.25));
	EXPECT("99.9", html_number(&text, 99.94));
	EXPECT("100", html_number(&text, 99.96));
	EXPECT("12,346", html_number(&text, 12345.6));
	EXPECT("?", html_number(&text, NAN));
	EXPECT("?", html_number(&text, INFINITY));
	EXPECT("?", html_number(&text, 1e300));
	EXPECT("0", html_number(&text, -1));
}

Test(html, bytes)
{
	EXPECT("0 B", html_bytes(&text, 0));
	EXPECT("999 B", html_bytes(&text, 999));
	EXPECT("1 kB", html_bytes(&text, 999.6));
	EXPECT("28.6 MB", html_bytes(&text, 28596080));
	EXPECT("18.4 EB", html_bytes(&text, 0x1p64));
	EXPECT("? EB", html_bytes(&text, INFINITY));
	EXPECT("<data value=18446744073709551615>18.4 EB</data>",
	       html_bytes_data(&text, UINT64_MAX));
}

Test(html, durations)
{
	EXPECT("119 s", html_duration(&text, 119));
	EXPECT("2 min", html_duration(&text, 120));
	EXPECT("119 min", html_duration(&text, 119 * 60 + 59));
	EXPECT("2 h", html_duration(&text, 2 * 3600));
	EXPECT("2 d", html_duration(&text, 49 * 3600));
}
