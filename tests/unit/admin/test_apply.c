/* Directory files: applied, changed, pruned, exported and applied again. */
#include "unit/admin/harness.h"

#include "crypto/scram.h"
#include "policy/decide.h"

static const char EXAMPLE[] =
	"customers:\n"
	"  - name: example\n"
	"    licences: 100\n"
	"    billing: paid\n"
	"    allow_private_addresses: true\n"
	"    org_units: [ Sales, \"Sales: Tokyo\" ]\n"
	"    over_limit: { customer_day: defer, user: hold }\n"
	"    domains:\n"
	"      - { name: Example.com, kind: primary, verified: operator }\n"
	"      - { name: example.co.jp, kind: secondary, verified: operator }\n"
	"      - { name: example.net, kind: alias, of: example.com, "
	"verified: operator }\n"
	"    users:\n"
	"      - { address: Alice@Example.com, role: super-admin, aliases: "
	"[ b@example.com, a@example.com ], org_unit: Sales }\n"
	"      - { address: bob@sub.example.co.jp, suspended: true }\n"
	"    relay_settings:\n"
	"      - description: Head office\n"
	"        allowed_senders: own-domains\n"
	"        authentication: { ip_only: true, require_auth: false }\n"
	"        require_tls: false\n"
	"        enabled: true\n"
	"        ip_entries:\n"
	"          - { range: 127.0.0.1/32, description: loopback, enabled: "
	"true }\n"
	"          - { range: 10.1.0.0/16, description: \"本社 #1\" }\n"
	"          - { range: \"2a00:1:2:3::/112\", description: v6, enabled: "
	"false }\n"
	"      - description: 支社\n"
	"        authentication: { require_auth: true }\n"
	"        line_ends: normalise\n";

static void s3_the_file_becomes_the_view(void **state)
{
	struct answer a = apply(*state, EXAMPLE, "{}");
	if (a.code != 0)
		show("apply", &a);
	assert_slice_eq(buf_slice(&a.text), "revision 1, live when relay runs");
	assert_has(&a.rows, "\"what\":\"add\",\"kind\":\"customer\"");
	assert_has(&a.rows, "+ entry 10.1.0.0/16 (example)");
	answer_free(&a);
	const struct view *v = load_view(*state);
	struct view_counts n;
	view_count(v, &n);
	assert_int_equal(n.customers, 1);
	assert_int_equal(n.domains, 3);
	assert_int_equal(n.users, 2);
	assert_int_equal(n.settings, 2);
	assert_int_equal(n.entries, 3);
	const struct customer *c = view_customer_named(v, SLICE("example"));
	assert_non_null(c);
	assert_int_equal(c->licences, 100);
	assert_int_equal(c->billing, BILLING_PAID);
	assert_int_equal(c->over_limit[0], OVER_DEFER);
	assert_int_equal(c->over_limit[1], OVER_REFUSE);
	assert_int_equal(c->over_limit[2], OVER_HOLD);
	assert_int_equal(c->plan, VIEW_PLAN_STANDARD);
	assert_slice_eq(c->settings[0]->key, "head-office");
	assert_int_equal(c->settings[0]->allowed_senders, SENDERS_OWN_DOMAINS);
	assert_true(c->settings[1]->require_auth);
	assert_int_equal(c->settings[1]->line_ends, LINE_ENDS_NORMALISE);
	const struct domain *d = view_domain_of(v, SLICE("x.example.net"));
	assert_non_null(d);
	assert_slice_eq(d->alias_of, "example.com");
	struct address alias = { .local = SLICE("B"),
				 .domain = SLICE("example.net") };
	const struct user *u = view_user(v, &alias);
	assert_non_null(u);
	assert_slice_eq(u->address, "alice@example.com");
	struct facts f = { .helo = SLICE("h") };
	assert_true(ip_addr_parse(SLICE("10.1.2.3"), &f.client));
	f.sender = (struct address){ .local = SLICE("x"),
				     .domain = SLICE("example.com") };
	struct decision dec;
	policy_decide(v, &f, &dec, NULL);
	assert_ptr_equal(dec.customer, c);
	assert_int_equal(dec.reply, REPLY_SENDER_OK);
	view_unref(&v);
}

static void s12_2_export_and_apply_again_changes_nothing(void **state)
{
	apply_good(*state, EXAMPLE);
	char *text = export_text(*state);
	struct answer a = apply(*state, text, "{}");
	assert_int_equal(a.code, 0);
	if (a.row_count != 0 ||
	    !has(&a.text, "nothing to change (revision 1)"))
		show(text, &a);
	answer_free(&a);
	a = apply(*state, text, "{\"prune\":true}");
	if (a.row_count != 0 || a.code != 0)
		show(text, &a);
	answer_free(&a);
	/* And in a directory of another service. */
	char *other = NULL;
	harness_setup((void **)&other);
	apply_good(other, text);
	char *again = export_text(other);
	assert_string_equal(text, again);
	harness_teardown((void **)&other);
	free(again);
	free(text);
}

static void a_dry_run_tells_and_changes_nothing(void **state)
{
	struct answer a = apply(*state, EXAMPLE, "{\"dry_run\":true}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "+ customer example");
	assert_has(&a.text, "dry run");
	answer_free(&a);
	a = call(*state, "customer.list", "{}");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
	apply_good(*state, EXAMPLE);
	a = apply(*state,
		  "customers:\n- name: example\n  licences: 200\n",
		  "{\"dry_run\":true}");
	assert_has(&a.rows, "~ customer example: licences 100 → 200");
	assert_has(&a.rows, "= user alice@example.com (example): not in the "
			    "file, stays");
	answer_free(&a);
	a = apply(*state,
		  "customers:\n- name: example\n  licences: 200\n",
		  "{\"dry_run\":true,\"language\":\"ja\"}");
	assert_has(&a.rows, "~ 顧客 example: licences 100 → 200");
	assert_has(&a.text, "ドライラン");
	answer_free(&a);
}

static void what_the_file_lacks_stays_until_pruned(void **state)
{
	static const char less[] =
		"customers:\n"
		"  - name: example\n"
		"    domains: [ { name: example.com } ]\n"
		"    relay_settings:\n"
		"      - description: New\n"
		"        authentication: { require_auth: true }\n"
		"      - id: head-office\n"
		"        description: Head office\n"
		"        authentication: { ip_only: true }\n";
	apply_good(*state, EXAMPLE);
	struct answer a = apply(*state, less, "{}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "= domain example.co.jp (example)");
	assert_has(&a.rows, "licences stays 100");
	assert_has(&a.rows, "settings that the file lacks come behind");
	answer_free(&a);
	const struct view *v = load_view(*state);
	const struct customer *c = view_customer_named(v, SLICE("example"));
	assert_int_equal(c->licences, 100);
	assert_int_equal(c->setting_count, 3);
	assert_slice_eq(c->settings[0]->key, "new");
	assert_slice_eq(c->settings[1]->key, "head-office");
	assert_true(view_domain_of(v, SLICE("example.com"))->verified);
	uint32_t head = c->settings[1]->id;
	view_unref(&v);

	a = apply(*state, less, "{\"prune\":true}");
	if (a.code != 0)
		show("prune", &a);
	assert_has(&a.rows, "- user alice@example.com (example)");
	assert_has(&a.rows, "- entry 10.1.0.0/16 (example)");
	answer_free(&a);
	v = load_view(*state);
	struct view_counts n;
	view_count(v, &n);
	assert_int_equal(n.domains, 1);
	assert_int_equal(n.users, 0);
	assert_int_equal(n.entries, 0);
	c = view_customer_named(v, SLICE("example"));
	assert_int_equal(c->setting_count, 2);
	assert_int_equal(c->settings[1]->id, head);
	assert_int_equal(c->licences, 1);
	assert_int_equal(c->billing, BILLING_TRIAL);
	assert_null(view_domain_of(v, SLICE("example.com")));
	view_unref(&v);
}

static void ids_are_never_used_again(void **state)
{
	apply_good(*state, EXAMPLE);
	const struct view *v = load_view(*state);
	const struct customer *c = view_customer_named(v, SLICE("example"));
	uint32_t last = c->settings[1]->id;
	view_unref(&v);
	static const char one[] =
		"customers:\n- name: example\n  domains: [ { name: "
		"example.com, kind: primary, verified: operator } ]\n"
		"  relay_settings:\n"
		"  - { description: Head office, authentication: { ip_only: "
		"true } }\n";
	struct answer a = apply(*state, one, "{\"prune\":true}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	apply_good(*state, EXAMPLE);
	v = load_view(*state);
	c = view_customer_named(v, SLICE("example"));
	assert_int_equal(c->setting_count, 2);
	assert_true(c->settings[1]->id > last);
	view_unref(&v);
}

static void addresses_change_hands_in_one_step(void **state)
{
	apply_good(*state, EXAMPLE);
	/* a and b swap, an alias becomes a user, a user an alias. */
	static const char swap[] =
		"customers:\n- name: example\n  org_units: [ Sales ]\n"
		"  domains:\n"
		"  - { name: example.com, kind: alias, of: example.net }\n"
		"  - { name: example.net, kind: primary }\n"
		"  - { name: example.co.jp }\n"
		"  users:\n"
		"  - { address: b@example.com, aliases: [ "
		"bob@sub.example.co.jp ] }\n"
		"  - { address: alice@example.com, aliases: [ a@example.com ] }"
		"\n";
	struct answer a = apply(*state, swap, "{}");
	/* bob is a user still: only prune lets him go */
	assert_int_equal(a.code, 78);
	answer_free(&a);
	static const char good[] =
		"customers:\n- name: example\n  org_units: [ Sales ]\n"
		"  domains:\n"
		"  - { name: example.com, kind: alias, of: example.net, "
		"verified: operator }\n"
		"  - { name: example.net, kind: primary, of: \"\", verified: "
		"operator }\n"
		"  - { name: example.co.jp, verified: operator }\n"
		"  users:\n"
		"  - { address: b@example.com, aliases: [ "
		"bob@sub.example.co.jp ] }\n"
		"  - { address: alice@example.com, aliases: [ a@example.com ] }"
		"\n";
	a = apply(*state, good, "{\"prune\":true}");
	if (a.code != 0)
		show("good", &a);
	answer_free(&a);
	const struct view *v = load_view(*state);
	struct address bob = { .local = SLICE("bob"),
			       .domain = SLICE("sub.example.co.jp") };
	const struct user *u = view_user(v, &bob);
	assert_non_null(u);
	assert_slice_eq(u->address, "b@example.com");
	view_unref(&v);
}

static const char TWO[] =
	"customers:\n"
	"- name: first\n"
	"  domains: [ { name: first.test, verified: operator } ]\n"
	"  relay_settings:\n"
	"  - description: a\n"
	"    authentication: { ip_only: true }\n"
	"    ip_entries: [ { range: 8.8.8.0/24, description: d } ]\n"
	"- name: second\n"
	"  domains: [ { name: second.test, verified: operator } ]\n"
	"  relay_settings:\n"
	"  - description: a\n"
	"    authentication: { ip_only: true }\n"
	"    ip_entries:\n"
	"    - { range: 8.8.8.8, description: d }\n"
	"    - { range: 8.8.0.0/17, description: wide }\n";

static bool count_entry(void *ctx, const struct ip_entry *e)
{
	(void)e;
	++*(int *)ctx;
	return true;
}

static int entries_at(const char *dir, const char *address)
{
	const struct view *v = load_view(dir);
	struct ip_addr a;
	int n = 0;
	assert_true(ip_addr_parse(slice_of(address), &a));
	view_entries_of(v, &a, count_entry, &n);
	view_unref(&v);
	return n;
}

static void s2_2_a_later_overlapping_entry_is_inert(void **state)
{
	/* 8.8.8.8 within one setting with 8.8.0.0/17 overlaps: split. */
	struct answer a = apply(*state, TWO, "{}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "directory:14:7: error: range 8.8.8.8/32 overlaps "
			    "8.8.0.0/17 of this setting");
	answer_free(&a);
	char *text = strdup(TWO);
	*strstr(text, "    - { range: 8.8.0.0/17") = '\0';
	a = apply(*state, text, "{}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "range 8.8.8.8/32 of customer 'second' overlaps");
	answer_free(&a);
	assert_int_equal(entries_at(*state, "8.8.8.8"), 1);
	/* Applying again keeps it so. */
	apply_good(*state, text);
	assert_int_equal(entries_at(*state, "8.8.8.8"), 1);
	/* The operator shares it. */
	apply_good(*state,
		   "customers:\n- name: second\n  relay_settings:\n"
		   "  - description: a\n    authentication: { ip_only: true }\n"
		   "    ip_entries: [ { range: 8.8.8.8, description: d, "
		   "shared: true } ]\n");
	assert_int_equal(entries_at(*state, "8.8.8.8"), 2);
	apply_good(*state,
		   "customers:\n- name: second\n  relay_settings:\n"
		   "  - description: a\n    authentication: { ip_only: true }\n"
		   "    ip_entries: [ { range: 8.8.8.8, description: d, "
		   "shared: false } ]\n");
	assert_int_equal(entries_at(*state, "8.8.8.8"), 1);
	/* The first one lets go: the second one comes into force. */
	a = apply(*state,
		  "customers:\n- name: first\n  domains: [ { name: "
		  "first.test, verified: operator } ]\n  relay_settings:\n"
		  "  - description: a\n    authentication: { ip_only: true }\n",
		  "{\"prune\":true}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "range 8.8.8.8/32 of customer 'second' is in "
			    "force now");
	answer_free(&a);
	const struct view *v = load_view(*state);
	const struct customer *c = view_customer_named(v, SLICE("second"));
	struct ip_addr addr;
	int n = 0;
	assert_true(ip_addr_parse(SLICE("8.8.8.8"), &addr));
	view_entries_of(v, &addr, count_entry, &n);
	assert_int_equal(n, 1);
	assert_non_null(c);
	view_unref(&v);
	free(text);
}

static void s3_6_each_change_has_its_audit_row(void **state)
{
	apply_good(*state, EXAMPLE);
	apply_good(*state, "customers:\n- name: example\n  licences: 5\n");
	struct answer a = call(*state, "audit.list", "{\"limit\":1}");
	assert_int_equal(a.row_count, 1);
	assert_has(&a.rows, "\"call\":\"directory.apply\",\"revision\":2,"
			    "\"customer\":\"example\",\"object\":"
			    "\"customer example\"");
	assert_has(&a.rows, "\"licences\":100");
	assert_has(&a.rows, "\"licences\":5");
	assert_has(&a.rows, "\"who\":\"uid ");
	answer_free(&a);
	a = call(*state, "audit.list", "{\"customer\":\"example\"}");
	assert_int_equal(a.row_count, 12);
	answer_free(&a);
	a = call(*state, "audit.list", "{\"customer\":\"nobody\"}");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
}

static void s2_4_a_name_below_anothers_needs_the_operator(void **state)
{
	apply_good(*state, EXAMPLE);
	struct answer a = apply(*state,
				"customers:\n- name: other\n  domains:\n"
				"  - { name: mail.example.com }\n", "{}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "directory:4:5: error: 'mail.example.com' lies "
			    "below 'example.com'");
	answer_free(&a);
	a = apply(*state,
		  "customers:\n- name: other\n  domains:\n"
		  "  - { name: mail.example.com, verified: operator }\n", "{}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "accepted as the operator's act");
	answer_free(&a);
	a = apply(*state,
		  "customers:\n- name: other\n  domains:\n"
		  "  - { name: example.com, verified: operator }\n", "{}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "belongs to another customer");
	answer_free(&a);
}

/* The keys were made of the password that was told. */
static void scram_is_of(const struct view *v, const struct app_password *p,
			const char *password)
{
	const struct app_password *list[VIEW_SCRAM_MAX];
	uint8_t stored[SCRAM_KEY_LEN], server[SCRAM_KEY_LEN];
	assert_true(p->has_scram);
	assert_int_equal(view_scram_passwords(v, p->user, list), 1);
	assert_ptr_equal(list[0], p);
	assert_true(scram_keys_make((slice){ password, APP_PASSWORD_LEN },
				    p->scram_salt, stored, server));
	assert_memory_equal(stored, p->scram_stored, sizeof(stored));
	assert_memory_equal(server, p->scram_server, sizeof(server));
}

static void s1_3_a_user_has_at_most_32_app_passwords(void **state)
{
	apply_good(*state, EXAMPLE);
	for (int i = 0; i <= VIEW_SCRAM_MAX; i++) {
		struct answer a = call(*state, "app_password.create",
				       "{\"address\":\"alice@example.com\"}");
		assert_int_equal(a.code, i < VIEW_SCRAM_MAX ? 0 : 65);
		if (i == VIEW_SCRAM_MAX)
			assert_has(&a.text, "remove one");
		answer_free(&a);
	}
	const struct view *v = load_view(*state);
	const struct app_password *list[VIEW_SCRAM_MAX];
	struct address address = { .local = SLICE("alice"),
				   .domain = SLICE("example.com") };
	assert_int_equal(view_scram_passwords(v, view_user(v, &address)->id,
					      list), VIEW_SCRAM_MAX);
	/* one salt: the exchange tells it before it knows which is proved */
	for (int i = 1; i < VIEW_SCRAM_MAX; i++)
		assert_memory_equal(list[i]->scram_salt, list[0]->scram_salt,
				    SCRAM_SALT_LEN);
	view_unref(&v);
}

static void s1_3_an_app_password_is_told_once(void **state)
{
	apply_good(*state, EXAMPLE);
	struct answer a = call(*state, "app_password.create",
			       "{\"address\":\"B@example.com\","
			       "\"range\":\"8.8.8.0/24\"}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "\"address\":\"alice@example.com\"");
	assert_has(&a.rows, "\"password\":\"pr_");
	const char *id = strstr(a.rows.p, "\"id\":\"") + 6;
	char remove[64];
	snprintf(remove, sizeof(remove), "{\"id\":\"%.10s\"}", id);
	const struct view *v = load_view(*state);
	const struct app_password *p = view_app_password(v, (slice){ id, 10 });
	assert_non_null(p);
	assert_true(p->has_range);
	scram_is_of(v, p, strstr(a.rows.p, "\"pr_") + 1);
	view_unref(&v);
	struct answer audit = call(*state, "audit.list", "{\"limit\":1}");
	assert_has(&audit.rows, "app-password");
	assert_false(has(&audit.rows, "pr_"));
	answer_free(&audit);
	struct answer gone = call(*state, "app_password.remove", remove);
	assert_int_equal(gone.code, 0);
	answer_free(&gone);
	gone = call(*state, "app_password.remove", remove);
	assert_int_equal(gone.code, 65);
	answer_free(&gone);
	v = load_view(*state);
	assert_null(view_app_password(v, (slice){ id, 10 }));
	view_unref(&v);
	answer_free(&a);
	a = call(*state, "app_password.create",
		 "{\"address\":\"nobody@example.com\"}");
	assert_int_equal(a.code, 65);
	answer_free(&a);
	/* A pruned user takes his app passwords along. */
	a = call(*state, "app_password.create",
		 "{\"address\":\"alice@example.com\"}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	a = apply(*state, "customers:\n- name: example\n", "{\"prune\":true}");
	if (a.code != 0)
		show("prune", &a);
	answer_free(&a);
	v = load_view(*state);
	struct view_counts n;
	view_count(v, &n);
	assert_int_equal(n.app_passwords, 0);
	view_unref(&v);
}

static void s4_explain_uses_admins_own_view(void **state)
{
	apply_good(*state, EXAMPLE);
	struct answer a = call(*state, "explain",
			       "{\"client_ip\":\"10.1.0.9\",\"helo\":\"x\","
			       "\"from\":\"x@example.com\"}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "\"verdict\":\"accept\"");
	assert_has(&a.rows, "\"setting\":\"head-office\"");
	answer_free(&a);
	a = call(*state, "explain",
		 "{\"client_ip\":\"9.9.9.9\",\"from\":\"x@example.com\","
		 "\"auth\":\"alice@example.com\",\"tls\":true}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "\"verdict\"");
	answer_free(&a);
	a = call(*state, "explain", "{\"client_ip\":\"nonsense\"}");
	assert_int_equal(a.code, 64);
	assert_has(&a.text, "client_ip");
	answer_free(&a);
}

static void bad_calls_are_usage_errors(void **state)
{
	static const struct {
		const char *name, *args;
	} cases[] = {
		{ "no.such", "{}" },
		{ "status", "[]" },
		{ "status", "{\"a\":1}" },
		{ "status", "{\"language\":1}" },
		{ "status", "{\"language\":\"en\",\"language\":\"en\"}" },
		{ "directory.apply", "{\"prune\":\"yes\"}" },
		{ "audit.list", "{\"limit\":-1}" },
		{ "app_password.create", "{}" },
		{ "app_password.create", "{\"address\":\"x\"}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a = call(*state, cases[i].name, cases[i].args);
		if (a.code != 64)
			show(cases[i].name, &a);
		answer_free(&a);
	}
	struct answer a = call(*state, "queue.list", "{}");
	assert_int_equal(a.code, 75);
	answer_free(&a);
	a = call(*state, "directory.export", "{\"customer\":\"nobody\"}");
	assert_int_equal(a.code, 65);
	answer_free(&a);
}

static void a_large_file_goes_in_parts(void **state)
{
	enum { USERS = 3000 };
	struct buf text;
	buf_init(&text, 1 << 24);
	buf_append(&text, SLICE("customers:\n- name: big\n  domains: [ { "
				"name: big.test, verified: operator } ]\n"
				"  users:\n"));
	for (int i = 0; i < USERS; i++)
		buf_printf(&text, "  - { address: user%d@big.test, aliases: [ "
			   "alias%d@big.test, other%d@big.test ] }\n",
			   i, i, i);
	buf_append_char(&text, '\0');
	apply_good(*state, text.p);
	const struct view *v = load_view(*state);
	struct view_counts n;
	view_count(v, &n);
	assert_int_equal(n.users, USERS);
	assert_int_equal(view_revision(v), 1);
	view_unref(&v);
	char *exported = export_text(*state);
	struct answer a = apply(*state, exported, "{\"prune\":true}");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
	free(exported);
	buf_fini(&text);
}

static void texts_take_the_same_arguments(void **state)
{
	(void)state;
#define TEXT(id, en, ja)                                              \
	if (text_places(en) != text_places(ja) || sizeof(ja) < 2 ||             \
	    !utf8_valid(slice_of(ja)))                                \
		fail_msg("%s", #id);
#include "admin/admin_text.def"
#undef TEXT
}

/* A change of 2 MB is told and audited like any other: what doesn't fit into
 * a row of the answer is cut, never the row. */
static void s3_6_a_row_that_is_too_long_is_cut(void **state)
{
	enum { UNITS = 10000 };
	struct buf text;
	buf_init(&text, 1 << 23);
	for (int round = 0; round < 2; round++) {
		buf_clear(&text);
		buf_append(&text, SLICE("customers:\n- name: wide\n"
					"  org_units:\n"));
		for (int i = 0; i < UNITS; i++)
			buf_printf(&text, "  - %d%0220d\n", round, i);
		struct answer a = call_with_text(*state, "directory.apply",
						 "{}", buf_slice(&text));
		if (a.code != 0)
			show("wide", &a);
		assert_has(&a.rows, round ? "~ customer wide" :
					    "+ customer wide");
		answer_free(&a);
	}
	struct answer a = call(*state, "audit.list", "{\"customer\":\"wide\"}");
	assert_int_equal(a.row_count, 2);
	assert_has(&a.rows, "\"cut\":true");
	answer_free(&a);
	buf_fini(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s3_the_file_becomes_the_view),
		TEST(s12_2_export_and_apply_again_changes_nothing),
		TEST(a_dry_run_tells_and_changes_nothing),
		TEST(what_the_file_lacks_stays_until_pruned),
		TEST(ids_are_never_used_again),
		TEST(addresses_change_hands_in_one_step),
		TEST(s2_2_a_later_overlapping_entry_is_inert),
		TEST(s3_6_each_change_has_its_audit_row),
		TEST(s3_6_a_row_that_is_too_long_is_cut),
		TEST(s2_4_a_name_below_anothers_needs_the_operator),
		TEST(s1_3_an_app_password_is_told_once),
		TEST(s1_3_a_user_has_at_most_32_app_passwords),
		TEST(s4_explain_uses_admins_own_view),
		TEST(bad_calls_are_usage_errors),
		TEST(a_large_file_goes_in_parts),
		cmocka_unit_test(texts_take_the_same_arguments),
	};
	return cmocka_run_group_tests_name("admin/apply", tests, NULL, NULL);
}
