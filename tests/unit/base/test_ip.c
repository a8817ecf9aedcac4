/* Addresses as values: text forms, ranges, classes. */
#include "unit/unit.h"

#include "base/ip.h"

static void addresses_have_one_text_form(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:201", "192.0.2.1" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "0:0:0:0:0:0:0:0", "::" },
		{ "0001:0023::", "1:23::" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_addr a, again;
		char text[IP_TEXT_MAX];
		if (!ip_addr_parse(slice_of(cases[i].in), &a))
			fail_msg("%s not read", cases[i].in);
		assert_string_equal(ip_addr_text(&a, text), cases[i].out);
		assert_true(ip_addr_parse(slice_of(text), &again));
		assert_true(ip_addr_eq(&a, &again));
	}
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "1", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.", "1.2.3.4.5",
		"1.2.3.256", "01.2.3.4", "1.2.3.04", "00.0.0.0", "0x7f.0.0.1",
		"1.2.3.-4", " 1.2.3.4", "1.2.3.4 ", "1..3.4", ":", ":::",
		"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
		"g::", "::1%eth0", "[::1]", "1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4::5:6:7:8",
		":1::2", "1::2:", "::1:", "2130706433", "::12345",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ip_addr a;
		if (ip_addr_parse(slice_of(bad[i]), &a))
			fail_msg("\"%s\" was read", bad[i]);
	}
}

static void an_address_with_a_nul_is_refused(void **state)
{
	(void)state;
	struct ip_addr a;
	assert_false(ip_addr_parse((slice){ "1.2.3.4\0", 8 }, &a));
	assert_false(ip_addr_parse((slice){ "::1\0", 4 }, &a));
}

static void ports(void **state)
{
	(void)state;
	static const struct { const char *in; bool good; } cases[] = {
		{ "192.0.2.1:25", true },
		{ "[2001:db8::1]:65535", true },
		{ "192.0.2.1:0", true },
		{ "192.0.2.1:65536", false },
		{ "192.0.2.1:", false },
		{ "192.0.2.1", false },
		{ "192.0.2.1:025", false },
		{ "2001:db8::1:25", false },
		{ "[192.0.2.1]:25", false },
		{ "[::1]", false },
		{ "[::1]25", false },
		{ ":25", false },
		{ "[]:25", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_port p;
		char text[IP_PORT_TEXT_MAX];
		bool got = ip_port_parse(slice_of(cases[i].in), &p);
		if (got != cases[i].good)
			fail_msg("%s: %d", cases[i].in, got);
		if (got)
			assert_string_equal(ip_port_text(&p, text),
					    cases[i].in);
	}
}

static void ranges(void **state)
{
	(void)state;
	static const struct {
		const char *range;
		const char *text;	/* NULL: refused */
		bool host_bits;
		const char *network, *inside, *outside;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.0/24", false, "192.0.2.0/24",
		  "192.0.2.255", "192.0.3.0" },
		{ "192.0.2.77/24", "192.0.2.77/24", true, "192.0.2.0/24",
		  "192.0.2.1", "192.0.1.255" },
		{ "192.0.2.7", "192.0.2.7/32", false, "192.0.2.7/32",
		  "192.0.2.7", "192.0.2.6" },
		{ "0.0.0.0/0", "0.0.0.0/0", false, "0.0.0.0/0",
		  "255.1.2.3", "::1" },
		{ "10.0.0.0/9", "10.0.0.0/9", false, "10.0.0.0/9",
		  "10.127.0.0", "10.128.0.0" },
		{ "2001:db8::/32", "2001:db8::/32", false, "2001:db8::/32",
		  "2001:db8:ffff::", "2001:db9::" },
		{ "::/0", "::/0", false, "::/0", "1.2.3.4", NULL },
		{ "::ffff:0:0/90", "::ffff:0:0/90", true, "::ffc0:0:0/90",
		  "1.2.3.4", "1::" },
		{ "::1", "::1/128", false, "::1/128", "::1", "::2" },
		{ "192.0.2.0/33", NULL, 0, 0, 0, 0 },
		{ "192.0.2.0/", NULL, 0, 0, 0, 0 },
		{ "192.0.2.0/08", NULL, 0, 0, 0, 0 },
		{ "::/129", NULL, 0, 0, 0, 0 },
		{ "/8", NULL, 0, 0, 0, 0 },
		{ "192.0.2.0/8/8", NULL, 0, 0, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_range r, net;
		struct ip_addr a;
		char text[IP_RANGE_TEXT_MAX];
		bool got = ip_range_parse(slice_of(cases[i].range), &r);
		assert_int_equal(got, cases[i].text != NULL);
		if (!got)
			continue;
		assert_string_equal(ip_range_text(&r, text), cases[i].text);
		assert_int_equal(ip_range_has_host_bits(&r),
				 cases[i].host_bits);
		net = ip_range_network(&r);
		assert_string_equal(ip_range_text(&net, text),
				    cases[i].network);
		assert_true(ip_addr_parse(slice_of(cases[i].inside), &a));
		assert_true(ip_range_holds(&r, &a));
		if (cases[i].outside == NULL)
			continue;
		assert_true(ip_addr_parse(slice_of(cases[i].outside), &a));
		assert_false(ip_range_holds(&r, &a));
	}
}

static void classes(void **state)
{
	(void)state;
	static const struct { const char *addr; enum ip_class class; } cases[] = {
		{ "8.8.8.8", IP_PUBLIC },
		{ "0.0.0.0", IP_RESERVED },
		{ "0.1.2.3", IP_RESERVED },
		{ "10.255.255.255", IP_PRIVATE },
		{ "11.0.0.0", IP_PUBLIC },
		{ "100.64.0.1", IP_SHARED },
		{ "100.128.0.0", IP_PUBLIC },
		{ "127.0.0.1", IP_LOOPBACK },
		{ "127.255.255.254", IP_LOOPBACK },
		{ "169.254.169.254", IP_LINK_LOCAL },
		{ "172.15.255.255", IP_PUBLIC },
		{ "172.16.0.0", IP_PRIVATE },
		{ "172.31.255.255", IP_PRIVATE },
		{ "172.32.0.0", IP_PUBLIC },
		{ "192.0.2.1", IP_DOCUMENTATION },
		{ "192.168.1.1", IP_PRIVATE },
		{ "198.19.0.1", IP_RESERVED },
		{ "198.51.100.1", IP_DOCUMENTATION },
		{ "203.0.113.1", IP_DOCUMENTATION },
		{ "224.0.0.1", IP_MULTICAST },
		{ "239.255.255.255", IP_MULTICAST },
		{ "240.0.0.1", IP_RESERVED },
		{ "255.255.255.255", IP_RESERVED },
		{ "::", IP_RESERVED },
		{ "::1", IP_LOOPBACK },
		{ "::2", IP_RESERVED },
		{ "::7f00:1", IP_RESERVED },
		{ "::ffff:127.0.0.1", IP_LOOPBACK },
		{ "2606:4700::1", IP_PUBLIC },
		{ "fc00::1", IP_PRIVATE },
		{ "fdff::1", IP_PRIVATE },
		{ "fe80::1", IP_LINK_LOCAL },
		{ "fec0::1", IP_PRIVATE },
		{ "ff02::1", IP_MULTICAST },
		{ "2001:db8::1", IP_DOCUMENTATION },
		{ "3fff::1", IP_DOCUMENTATION },
		{ "2001::1", IP_RESERVED },
		{ "2001:200::1", IP_PUBLIC },
		{ "64:ff9b::7f00:1", IP_LOOPBACK },
		{ "64:ff9b::808:808", IP_PUBLIC },
		{ "64:ff9b:1::1", IP_RESERVED },
		{ "2002:7f00:1::", IP_LOOPBACK },
		{ "2002:808:808::", IP_PUBLIC },
		{ "100::1", IP_RESERVED },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_addr a;
		assert_true(ip_addr_parse(slice_of(cases[i].addr), &a));
		if (ip_addr_class(&a) != cases[i].class)
			fail_msg("%s: %d, want %d", cases[i].addr,
				 (int)ip_addr_class(&a), (int)cases[i].class);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_text_form),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(an_address_with_a_nul_is_refused),
		cmocka_unit_test(ports),
		cmocka_unit_test(ranges),
		cmocka_unit_test(classes),
	};
	return cmocka_run_group_tests_name("base/ip", tests, NULL, NULL);
}
