/* Plans and org units in directory files: applied, changed, exported,
 * pruned, and what relay gets of it. */
#include "unit/admin/harness.h"

#include "admin/core.h"
#include "admin/migrations.h"

static const char GOLD[] =
	"plans:\n"
	"  - name: gold\n"
	"    customer_day: { per_licence: 200, most: 5000, unpaid: 10 }\n"
	"    customer_peak: { per_licence: 20, most: 900, unpaid: 5 }\n"
	"    user_messages: { most: 70, per_licence: 7 }\n"
	"    user_unique: { per_licence: 60 }\n"
	"    null_sender: { least: 4, percent: 3 }\n"
	"customers:\n"
	"  - { name: a, plan: gold, licences: 10, billing: paid }\n"
	"  - { name: b, licences: 10, billing: paid }\n"
	"  - { name: c, plan: legacy-free }\n";

static const struct plan *plan_of(const struct view *v, const char *name)
{
	const struct customer *c = view_customer_named(v, slice_of(name));
	assert_non_null(c);
	return view_plan_of(v, c);
}

static void s6_4_a_plan_reaches_the_view(void **state)
{
	apply_good(*state, GOLD);
	const struct view *v = load_view(*state);
	const struct plan *p = plan_of(v, "a");
	assert_true(p->relay);
	assert_int_equal(p->day_per_licence, 200);
	assert_int_equal(p->day_cap, 5000);
	assert_int_equal(p->unpaid_day, 10);
	assert_int_equal(p->peak_per_licence, 20);
	assert_int_equal(p->peak_cap, 900);
	assert_int_equal(p->unpaid_peak, 5);
	assert_int_equal(p->user_messages, 70);
	assert_int_equal(p->user_messages_per_licence, 7);
	assert_int_equal(p->user_unique_per_licence, 60);
	assert_int_equal(p->null_least, 4);
	assert_int_equal(p->null_percent, 3);
	p = plan_of(v, "b");
	assert_true(p->relay);
	assert_int_equal(p->day_per_licence, 130);
	assert_int_equal(p->day_cap, 4600000);
	assert_false(plan_of(v, "c")->relay);	/* SPEC 4.4 */
	view_unref(&v);
}

static void s6_a_changed_plan_is_told_and_small(void **state)
{
	apply_good(*state, GOLD);
	struct answer a = apply(*state,
				"plans:\n- name: standard\n"
				"  customer_day: { per_licence: 140 }\n"
				"- { name: gold, relay: false }\n", "{}");
	if (a.code != 0)
		show("apply", &a);
	assert_has(&a.rows, "~ plan standard: customer_day.per_licence 130 → "
			    "140");
	assert_has(&a.rows, "~ plan gold: relay true → false");
	assert_has(&a.rows, "= plan legacy-free: not in the file, stays");
	assert_has(&a.rows, "plan gold: most stays 5000");
	answer_free(&a);
	const struct view *v = load_view(*state);
	assert_int_equal(plan_of(v, "b")->day_per_licence, 140);
	assert_int_equal(plan_of(v, "b")->peak_per_licence, 9);
	assert_false(plan_of(v, "a")->relay);
	assert_int_equal(plan_of(v, "a")->day_per_licence, 200);
	view_unref(&v);
	a = call(*state, "audit.list", "{\"limit\":2}");
	assert_has(&a.rows, "\"customer\":null,\"object\":\"plan gold\"");
	assert_has(&a.rows, "\"customer_day\":{\"per_licence\":140,");
	answer_free(&a);
}

/* Two records, however many customers have the plan. */
static void s6_a_plan_of_many_customers_is_one_record(void **state)
{
	struct buf text;
	buf_init(&text, 1 << 24);
	buf_append(&text, SLICE("plans: [ { name: gold } ]\ncustomers:\n"));
	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "- { name: c%d, plan: gold }\n", i);
	struct answer a = call_with_text(*state, "directory.apply", "{}",
					 buf_slice(&text));
	assert_int_equal(a.code, 0);
	answer_free(&a);
	buf_fini(&text);
	apply_good(*state, "plans: [ { name: gold, relay: false } ]\n");
	struct admin admin = { 0 };
	struct err err;
	assert_true(admin_open(&admin, *state, &err));
	struct sql q = sql_of(admin.store, "SELECT length(change) FROM "
					   "revisions WHERE revision = 2");
	uint64_t bytes = sql_number(&q, 0);
	assert_true(bytes > 0 && bytes < 300);
	assert_false(plan_of(admin.view, "c2999")->relay);
	/* What the store alone makes is the same. */
	const struct view *v = admin_compile(&admin, 9, &err);
	assert_non_null(v);
	assert_false(plan_of(v, "c2999")->relay);
	view_unref(&v);
	admin_close(&admin);
}

static void plans_go_when_nobody_has_them(void **state)
{
	apply_good(*state, GOLD);
	struct answer a = apply(*state, "plans: [ { name: silver } ]\n",
				"{\"prune\":true,\"file\":\"f\"}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "f:1:8: error: plan 'gold' can't be removed: 1 "
			    "customers still have it");
	assert_has(&a.text, "plan 'legacy-free' can't be removed");
	answer_free(&a);
	/* Its last customer leaves it in the same file. */
	a = apply(*state,
		  "plans: [ { name: silver } ]\ncustomers:\n"
		  "- { name: a, plan: silver }\n- { name: c }\n",
		  "{\"prune\":true}");
	if (a.code != 0)
		show("apply", &a);
	assert_has(&a.rows, "- plan gold");
	assert_has(&a.rows, "- plan legacy-free");
	assert_has(&a.rows, "plan legacy-free → standard");
	assert_false(has(&a.rows, "plan standard\""));
	answer_free(&a);
	char *text = export_text(*state);
	assert_null(strstr(text, "gold"));
	assert_non_null(strstr(text, "  - name: standard\n    relay: true\n"
				     "    customer_day: { per_licence: 130, "));
	free(text);
	/* Without a list of plans, prune leaves them alone. */
	a = apply(*state, "customers: [ { name: b } ]\n", "{\"prune\":true}");
	assert_int_equal(a.code, 0);
	assert_false(has(&a.rows, "plan silver"));
	answer_free(&a);
	const struct view *v = load_view(*state);
	assert_true(plan_of(v, "c")->relay);
	view_unref(&v);
}

static void s12_2_plans_are_exported_and_applied_again(void **state)
{
	apply_good(*state, GOLD);
	char *text = export_text(*state);
	assert_non_null(strstr(text, "    plan: gold\n"));
	struct answer a = apply(*state, text, "{\"prune\":true}");
	assert_has(&a.text, "nothing to change");
	answer_free(&a);
	free(text);
	a = call(*state, "directory.export", "{\"customer\":\"a\"}");
	assert_false(has(&a.rows, "plans:"));
	answer_free(&a);
}

static void s12_2_a_dry_run_shows_plans_and_changes_nothing(void **state)
{
	struct answer a = apply(*state, GOLD, "{\"dry_run\":true}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "+ plan gold");
	answer_free(&a);
	char *text = export_text(*state);
	assert_null(strstr(text, "gold"));
	free(text);
}

static void s12_3_org_units_are_a_tree(void **state)
{
	apply_good(*state,
		   "customers:\n- name: c\n"
		   "  org_units: [ sales, sales/tokyo, sales/tokyo/本社 ]\n"
		   "  domains: [ { name: c.test, verified: operator } ]\n"
		   "  users:\n"
		   "  - { address: u@c.test, role: unit-admin, org_unit: "
		   "sales/tokyo }\n");
	char *text = export_text(*state);
	assert_non_null(strstr(text, "org_units: [ sales, \"sales/tokyo\", "
				     "\"sales/tokyo/本社\" ]"));
	assert_non_null(strstr(text, "org_unit: \"sales/tokyo\""));
	free(text);
	/* A unit that somebody is in can't go. */
	struct answer a = apply(*state, "customers:\n- name: c\n"
					"  org_units: [ sales ]\n", "{}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "'sales/tokyo' is no org unit");
	answer_free(&a);
}

/* The schema of before there were plans, with a customer of each choice. */
static void a_store_of_before_plans_is_brought_up_to_date(void **state)
{
	struct migrations old = *migrations_all();
	struct store *s;
	struct err err;
	int dir;
	old.count = 2;
	assert_true(os_dir_open(*state, &dir, NULL));
	assert_true(store_open_with(*state, dir, &old, &s, NULL));
	for (int plan = 0; plan < 2; plan++) {
		struct sql q = sql_of(
			s, "INSERT INTO customers (name, licences, billing, "
			   "language, plan, suspended, "
			   "allow_private_addresses, null_sender_recipients, "
			   "sender_must_match_login, over_customer_day, "
			   "over_customer_peak, over_user, report_address, "
			   "org_units) VALUES (?1,1,0,0,?2,0,0,0,0,0,0,0,'',"
			   "'Tokyo' || char(10))");
		sql_text(&q, plan ? SLICE("free") : SLICE("plain"));
		sql_u64(&q, (uint64_t)plan);
		sql_run(&q);
	}
	assert_true(store_good(s, &err));
	store_close(&s);
	char *text = export_text(*state);
	assert_non_null(strstr(text, "  - name: free\n    licences: 1\n"
				     "    billing: trial\n"
				     "    plan: legacy-free\n"));
	assert_non_null(strstr(text, "  - name: plain\n    licences: 1\n"
				     "    billing: trial\n    org_units"));
	free(text);
	assert_int_equal(faccessat(dir, "directory.db.before-3", R_OK, 0), 0);
	os_file_close(&dir);
	apply_good(*state, "plans: [ { name: standard, relay: false } ]\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s6_4_a_plan_reaches_the_view),
		TEST(s6_a_changed_plan_is_told_and_small),
		TEST(s6_a_plan_of_many_customers_is_one_record),
		TEST(plans_go_when_nobody_has_them),
		TEST(s12_2_plans_are_exported_and_applied_again),
		TEST(s12_2_a_dry_run_shows_plans_and_changes_nothing),
		TEST(s12_3_org_units_are_a_tree),
		TEST(a_store_of_before_plans_is_brought_up_to_date),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
