/* customer.add … ip.remove: one thing at a time, by the way of apply. */
#include "unit/admin/harness.h"

#include "policy/decide.h"

static struct answer verb(const char *dir, const char *name, const char *args)
{
	char text[4096];
	snprintf(text, sizeof(text), "{%s}", args);
	return call(dir, name, text);
}

static void good(const char *dir, const char *name, const char *args)
{
	struct answer a = verb(dir, name, args);
	if (a.code != 0)
		show(name, &a);
	answer_free(&a);
}

/* The code, and words of the answer. */
static void bad(const char *dir, int code, const char *name, const char *args,
		const char *words)
{
	struct answer a = verb(dir, name, args);
	if (a.code != code || !has(&a.text, words))
		show(name, &a);
	answer_free(&a);
}

static const struct {
	const char *name, *args;
} EXAMPLE[] = {
	{ "customer.add", "'name':'example','licences':100,'billing':'paid',"
			  "'over_user':'hold','over_customer_day':'defer',"
			  "'org_units':['sales','sales/tokyo']" },
	{ "domain.add", "'name':'Example.com','customer':'example',"
			"'kind':'primary','verified':'operator'" },
	{ "domain.add", "'name':'example.net','customer':'example',"
			"'kind':'alias','of':'example.com',"
			"'verified':'operator'" },
	{ "user.add", "'address':'Alice@example.com','role':'super-admin',"
		      "'aliases':['b@example.com','a@example.com']" },
	{ "user.add", "'address':'unit@sub.example.com','role':'unit-admin',"
		      "'org_unit':'sales'" },
	{ "setting.add", "'customer':'example','description':'Head office',"
			 "'allowed_senders':'own-domains','ip_only':true" },
	{ "setting.add", "'customer':'example','description':'Second',"
			 "'require_auth':true,'id':'two'" },
	{ "ip.add", "'range':'11.0.0.1','customer':'example',"
		    "'setting':'head-office','description':'mx'" },
};

static const char FILE_OF_EXAMPLE[] =
	"customers:\n"
	"- name: example\n"
	"  licences: 100\n"
	"  billing: paid\n"
	"  over_limit: { user: hold, customer_day: defer }\n"
	"  org_units: [ sales, sales/tokyo ]\n"
	"  domains:\n"
	"  - { name: Example.com, kind: primary, verified: operator }\n"
	"  - { name: example.net, kind: alias, of: example.com, verified: "
	"operator }\n"
	"  users:\n"
	"  - { address: Alice@example.com, role: super-admin, aliases: "
	"[ b@example.com, a@example.com ] }\n"
	"  - { address: unit@sub.example.com, role: unit-admin, org_unit: "
	"sales }\n"
	"  relay_settings:\n"
	"  - description: Head office\n"
	"    allowed_senders: own-domains\n"
	"    authentication: { ip_only: true }\n"
	"    ip_entries: [ { range: 11.0.0.1, description: mx } ]\n"
	"  - id: two\n"
	"    description: Second\n"
	"    authentication: { require_auth: true }\n";

/* ' for ", so that the rows can be read. */
static const char *quoted(const char *args, char *out, size_t max)
{
	snprintf(out, max, "%s", args);
	for (char *p = out; *p; p++)
		if (*p == '\'')
			*p = '"';
	return out;
}

static void do_good(const char *dir, const char *name, const char *args)
{
	char text[2000];
	good(dir, name, quoted(args, text, sizeof(text)));
}

static void do_bad(const char *dir, int code, const char *name,
		   const char *args, const char *words)
{
	char text[2000];
	bad(dir, code, name, quoted(args, text, sizeof(text)), words);
}

static void make_example(const char *dir)
{
	for (size_t i = 0; i < ARRAY_LEN(EXAMPLE); i++)
		do_good(dir, EXAMPLE[i].name, EXAMPLE[i].args);
}

static void s12_2_verbs_and_a_file_make_the_same(void **state)
{
	char *other = NULL;
	make_example(*state);
	harness_setup((void **)&other);
	apply_good(other, FILE_OF_EXAMPLE);
	char *one = export_text(*state), *two = export_text(other);
	assert_string_equal(one, two);
	harness_teardown((void **)&other);
	/* And the file finds nothing to change. */
	struct answer a = apply(*state, FILE_OF_EXAMPLE, "{}");
	assert_has(&a.text, "nothing to change");
	answer_free(&a);
	free(one);
	free(two);
}

static bool exports(const char *dir, const char *words)
{
	char *text = export_text(dir);
	bool found = strstr(text, words) != NULL;
	free(text);
	return found;
}

static void only_what_is_said_changes(void **state)
{
	make_example(*state);
	struct answer a = call(*state, "user.change",
			       "{\"address\":\"alice@EXAMPLE.com\","
			       "\"suspended\":true}");
	assert_int_equal(a.code, 0);
	assert_int_equal(a.row_count, 1);
	assert_has(&a.rows, "~ user alice@example.com (example): suspended "
			    "false → true");
	answer_free(&a);
	assert_true(exports(*state, "address: alice@example.com, role: "
				    "super-admin, suspended: true, aliases: "
				    "[ a@example.com, b@example.com ]"));
	do_good(*state, "user.change",
		"'address':'alice@example.com','aliases':[]");
	assert_false(exports(*state, "aliases"));
	do_good(*state, "customer.change", "'name':'example','licences':7");
	assert_true(exports(*state, "licences: 7\n    billing: paid\n"));
	do_good(*state, "setting.change", "'customer':'example','id':'two',"
					  "'ip_only':true");
	assert_true(exports(*state, "ip_only: true, require_auth: true"));
	do_good(*state, "ip.change", "'customer':'example',"
				     "'range':'11.0.0.1','enabled':false");
	assert_true(exports(*state, "description: mx, enabled: false"));
	do_good(*state, "domain.change", "'name':'example.net',"
					 "'verified':'pending'");
	a = call(*state, "domain.change", "{\"name\":\"example.net\","
					  "\"verified\":\"pending\"}");
	assert_has(&a.text, "nothing to change");
	answer_free(&a);
}

static void a_dry_run_only_tells(void **state)
{
	make_example(*state);
	char *before = export_text(*state);
	struct answer a = call(*state, "customer.remove",
			       "{\"name\":\"example\",\"dry_run\":true}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "- customer example");
	assert_has(&a.rows, "- user alice@example.com");
	assert_has(&a.text, "dry run");
	answer_free(&a);
	char *after = export_text(*state);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void s3_1_settings_keep_their_order(void **state)
{
	make_example(*state);
	do_good(*state, "setting.add", "'customer':'example','description':"
		"'Third','ip_only':true,'position':1");
	struct answer a = call(*state, "setting.list", "{}");
	assert_int_equal(a.row_count, 3);
	static const char *const order[] = { "third", "head-office", "two" };
	slice rest = buf_slice(&a.rows);
	for (size_t i = 0; i < 3; i++) {
		char want[60];
		slice line = slice_cut(&rest, '\n');
		snprintf(want, sizeof(want), "{\"id\":\"%s\"", order[i]);
		assert_true(slice_starts(line, slice_of(want)));
	}
	assert_has(&a.rows, "\"position\":3");
	answer_free(&a);
	do_good(*state, "setting.change",
		"'customer':'example','id':'third','position':99");
	do_good(*state, "setting.remove", "'customer':'example','id':'two'");
	a = call(*state, "setting.list", "{\"customer\":\"example\"}");
	assert_has(&a.rows, "{\"id\":\"head-office\",\"customer\":\"example\"");
	assert_has(&a.rows, "\"position\":1");
	assert_has(&a.rows, "\"position\":2");
	assert_int_equal(a.row_count, 2);
	answer_free(&a);
	/* Others are said nothing of. */
	a = call(*state, "setting.change", "{\"customer\":\"example\","
		 "\"id\":\"third\",\"require_tls\":true}");
	assert_int_equal(a.row_count, 1);
	answer_free(&a);
}

static void what_is_removed_is_gone(void **state)
{
	make_example(*state);
	do_good(*state, "app_password.create",
		"'address':'alice@example.com'");
	do_good(*state, "user.remove", "'address':'alice@example.com'");
	struct answer a = call(*state, "app_password.list", "{}");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
	do_good(*state, "domain.remove", "'name':'example.net'");
	do_bad(*state, 78, "domain.remove", "'name':'example.com'",
	       "'unit@sub.example.com' lies in no domain");
	do_good(*state, "setting.remove", "'id':'head-office',"
					  "'customer':'example'");
	a = call(*state, "ip.list", "{}");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
}

static void a_removed_customer_is_closing(void **state)
{
	make_example(*state);
	const struct view *v = load_view(*state);
	uint32_t id = view_customer_named(v, SLICE("example"))->id;
	view_unref(&v);
	do_good(*state, "customer.remove", "'name':'example'");
	assert_false(exports(*state, "example"));
	v = load_view(*state);
	struct view_counts n;
	view_count(v, &n);
	assert_int_equal(n.customers, 1);	/* mail in the queue has it */
	assert_int_equal(n.domains + n.users + n.settings + n.entries, 0);
	assert_true(view_customer(v, id)->closing);
	view_unref(&v);
	struct answer a = call(*state, "customer.list", "{}");
	assert_has(&a.rows, "\"closing\":true");
	answer_free(&a);
	do_bad(*state, 65, "customer.change", "'name':'example'",
	       "there is no customer 'example'");
	do_bad(*state, 78, "customer.add", "'name':'example'",
	       "its name can't be used again");
	a = apply(*state, "customers: [ { name: example } ]\n", "{}");
	assert_int_equal(a.code, 78);
	assert_has(&a.text, "can't be used again");
	answer_free(&a);
	/* What it had is free for others. */
	do_good(*state, "customer.add", "'name':'heir'");
	do_good(*state, "domain.add", "'name':'example.com','customer':'heir'");
	do_good(*state, "user.add", "'address':'alice@example.com'");
}

static const struct {
	int code;
	const char *name, *args, *words;
} WRONG[] = {
	{ 64, "customer.add", "'name':'new','billing':'pad'",
	  "customer add: error: expected one of trial, unpaid, paid, found "
	  "'pad', did you mean 'paid'?" },
	{ 64, "customer.add", "'name':'new','licences':'many'",
	  "expected a number from 0 to 10000000" },
	{ 64, "customer.add", "'name':'new','licenses':3",
	  "there is no argument 'licenses'" },
	{ 64, "customer.add", "'licences':3", "argument 'name' is missing" },
	{ 64, "user.remove", "'address':'alice@example.com','role':'user'",
	  "there is no argument 'role'" },
	{ 64, "domain.add", "'name':'new.example'", "say which customer" },
	{ 64, "user.add", "'address':'a@nowhere.example'",
	  "say which customer" },
	{ 65, "customer.add", "'name':'example'",
	  "customer 'example' is there already" },
	{ 65, "user.add", "'address':'ALICE@example.com'",
	  "user 'alice@example.com' is there already" },
	{ 65, "customer.change", "'name':'exampel'",
	  "there is no customer 'exampel', did you mean 'example'?" },
	{ 65, "domain.add", "'name':'n.example','customer':'exampl'",
	  "there is no customer 'exampl', did you mean 'example'?" },
	{ 65, "domain.change", "'name':'exampel.com'",
	  "there is no domain 'exampel.com'" },
	{ 65, "user.change", "'address':'alcie@example.com',"
			     "'customer':'example'",
	  "there is no user 'alcie@example.com', did you mean "
	  "'alice@example.com'?" },
	{ 65, "setting.change", "'customer':'example','id':'head-ofice'",
	  "there is no setting 'head-ofice', did you mean 'head-office'?" },
	{ 65, "ip.add", "'customer':'example','setting':'tow','range':"
			"'11.0.0.9','description':'x'",
	  "there is no setting 'tow', did you mean 'two'?" },
	{ 65, "ip.remove", "'customer':'example','range':'11.0.0.2',"
			   "'setting':'head-office'",
	  "there is no entry '11.0.0.2/32'" },
	{ 64, "ip.add", "'customer':'example','range':'11.0.0.9',"
			"'description':'x'",
	  "say which relay setting it is about ('setting'): head-office, "
	  "two" },
	{ 78, "customer.add", "'name':' x'", "no spaces at its ends" },
	{ 78, "customer.change", "'name':'example','plan':'standrad'",
	  "customer change: error: there is no plan 'standrad', did you mean "
	  "'standard'?" },
	{ 78, "domain.add", "'name':'co.jp','customer':'example'",
	  "is a public suffix" },
	{ 78, "setting.add", "'customer':'example','description':'Open'",
	  "anybody could relay" },
	{ 78, "setting.add", "'customer':'example','ip_only':true",
	  "'description' is missing" },
	{ 78, "ip.add", "'customer':'example','setting':'two','range':"
			"'11.0.0.9/24','description':'x'",
	  "the network is 11.0.0.0/24" },
	{ 78, "ip.add", "'customer':'example','setting':'two','range':"
			"'11.0.0.0/8','description':'x'",
	  "more than 65,536 addresses" },
	{ 78, "ip.add", "'customer':'example','setting':'two','range':"
			"'10.0.0.1','description':'x'",
	  "holds private addresses" },
	{ 78, "ip.add", "'customer':'example','setting':'two','range':"
			"'224.0.0.1','description':'x'",
	  "holds multicast addresses" },
	{ 78, "ip.add", "'customer':'example','setting':'head-office','range':"
			"'11.0.0.0/30','description':'x'",
	  "overlaps" },
	{ 78, "ip.add", "'customer':'example','setting':'two','range':"
			"'11.0.0.9'", "'description' is missing" },
	{ 78, "ip.add", "'customer':'example','setting':'two','range':'x',"
			"'description':'x'", "is no address range" },
};

static void s3_4_errors_say_what_is_wrong(void **state)
{
	make_example(*state);
	char *before = export_text(*state);
	for (size_t i = 0; i < ARRAY_LEN(WRONG); i++)
		do_bad(*state, WRONG[i].code, WRONG[i].name, WRONG[i].args,
		       WRONG[i].words);
	do_bad(*state, 64, "customer.add",
	       "'name':'new','billing':'pad','language':'ja'",
	       "'paid' のことですか?");
	char *after = export_text(*state);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void s3_4_the_smallest_range_is_recommended(void **state)
{
	make_example(*state);
	struct answer a = call(*state, "ip.add",
			       "{\"customer\":\"example\",\"setting\":"
			       "\"two\",\"range\":\"11.1.0.0/16\","
			       "\"description\":\"x\"}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "holds 65536 addresses");
	assert_has(&a.rows, "such as 11.1.0.0/32 for a single server");
	answer_free(&a);
	a = call(*state, "ip.add", "{\"customer\":\"example\",\"setting\":"
				   "\"two\",\"range\":\"11.2.0.0/24\","
				   "\"description\":\"x\"}");
	assert_false(has(&a.rows, "smallest"));
	answer_free(&a);
}

static void s12_2_prune_takes_every_kind(void **state)
{
	make_example(*state);
	apply_good(*state, "plans: [ { name: gold } ]\n");
	static const char less[] =
		"plans: [ { name: standard } ]\n"
		"customers:\n"
		"- name: example\n"
		"  domains: [ { name: example.com, verified: operator } ]\n"
		"  users: [ { address: alice@example.com } ]\n"
		"  relay_settings:\n"
		"  - id: head-office\n"
		"    authentication: { ip_only: true }\n";
	static const char *const lines[] = {
		"- plan gold", "- domain example.net (example)",
		"- user unit@sub.example.com (example)",
		"- setting two (example)", "- entry 11.0.0.1/32 (example)",
		"~ customer example: licences 100 → 1, billing paid → trial, "
		"over_limit.customer_day defer → refuse, over_limit.user hold "
		"→ refuse, org_units sales, sales/tokyo → ",
		"~ domain example.com (example): kind primary → secondary",
		"~ user alice@example.com (example): role super-admin → user, "
		"aliases a@example.com, b@example.com → ",
		"~ setting head-office (example): allowed_senders own-domains "
		"→ registered-users",
	};
	struct answer a = apply(*state, less,
				"{\"prune\":true,\"dry_run\":true}");
	if (a.code != 0)
		show("prune", &a);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_has(&a.rows, lines[i]);
	answer_free(&a);
	a = apply(*state, less, "{\"prune\":true}");
	assert_int_equal(a.code, 0);
	answer_free(&a);
	a = apply(*state, less, "{\"prune\":true}");
	assert_has(&a.text, "nothing to change");
	answer_free(&a);
	/* A customer that the file lacks is left alone. */
	a = apply(*state, "customers: []\n", "{\"prune\":true}");
	assert_has(&a.text, "nothing to change");
	answer_free(&a);
}

static void every_change_is_audited_by_its_call(void **state)
{
	make_example(*state);
	do_good(*state, "ip.remove", "'customer':'example',"
				     "'range':'11.0.0.1'");
	struct answer a = call(*state, "audit.list", "{}");
	assert_int_equal(a.row_count, ARRAY_LEN(EXAMPLE) + 1);
	assert_has(&a.rows, "\"call\":\"ip.remove\"");
	assert_has(&a.rows, "\"object\":\"entry 11.0.0.1/32\"");
	answer_free(&a);
}

/* --- administrators of org units (SPEC 12.3) -------------------------------- */

static const struct {
	int code;
	const char *name, *args, *words;
} OF_UNITS[] = {
	{ 0, "user.add", "'address':'new@example.com','org_unit':'sales'", "" },
	{ 0, "user.add", "'address':'far@example.com',"
			 "'org_unit':'sales/tokyo','aliases':"
			 "['f@example.com']", "" },
	{ 78, "user.add", "'address':'top@example.com'",
	  "'top@example.com' is no user of your org unit" },
	{ 78, "user.add", "'address':'boss@example.com','org_unit':'sales',"
			  "'role':'super-admin'",
	  "only a super admin changes 'role'" },
	{ 0, "user.change", "'address':'new@example.com','suspended':true",
	  "" },
	{ 78, "user.change", "'address':'new@example.com','role':'auditor'",
	  "only a super admin changes 'role'" },
	{ 78, "user.change", "'address':'new@example.com','org_unit':''",
	  "is no user of your org unit" },
	{ 65, "user.change", "'address':'alice@example.com',"
			     "'suspended':true",
	  "there is no user 'alice@example.com'" },
	{ 65, "user.remove", "'address':'alice@example.com'",
	  "there is no user 'alice@example.com'" },
	{ 78, "user.remove", "'address':'chief@example.com'",
	  "only a super admin changes 'chief@example.com'" },
	{ 78, "user.change", "'address':'chief@example.com','suspended':true",
	  "only a super admin changes 'chief@example.com'" },
	{ 78, "user.remove", "'address':'unit@sub.example.com'",
	  "only a super admin changes" },
	{ 0, "user.remove", "'address':'far@example.com'", "" },
	{ 77, "setting.add", "'description':'x','ip_only':true",
	  "ask a super admin (alice@example.com" },
	{ 77, "ip.remove", "'range':'11.0.0.1'", "ask a super admin" },
	{ 77, "customer.change", "'name':'example'", "ask a super admin" },
	{ 77, "domain.remove", "'name':'example.net'", "ask a super admin" },
};

static void s12_3_a_unit_admin_changes_the_own_users(void **state)
{
	make_example(*state);
	do_good(*state, "user.add", "'address':'chief@example.com',"
				    "'role':'super-admin','org_unit':'sales'");
	for (size_t i = 0; i < ARRAY_LEN(OF_UNITS); i++) {
		char args[600];
		snprintf(args, sizeof(args), "%s,'as':'unit@sub.example.com'",
			 OF_UNITS[i].args);
		do_bad(*state, OF_UNITS[i].code, OF_UNITS[i].name, args,
		       OF_UNITS[i].words);
	}
	struct answer a = call(*state, "user.list",
			       "{\"as\":\"unit@sub.example.com\"}");
	assert_int_equal(a.row_count, 3);
	assert_false(has(&a.rows, "alice@"));
	answer_free(&a);
	a = call(*state, "audit.list", "{\"as\":\"unit@sub.example.com\"}");
	assert_has(&a.rows, "operator as unit@sub.example.com");
	answer_free(&a);
}

static bool take_legacy_day(void *ctx, const struct ip_entry *e)
{
	*(uint32_t *)ctx = e->legacy_tls_until;
	return true;
}

static uint32_t legacy_day(const char *dir, const char *address)
{
	struct ip_addr a;
	uint32_t day = 0;
	const struct view *v = load_view(dir);
	assert_true(ip_addr_parse(slice_of(address), &a));
	view_entries_of(v, &a, take_legacy_day, &day);
	view_unref(&v);
	return day;
}

/* The day goes by verb and file into store, view, export, list and audit. */
static void s1_9_old_tls_of_an_entry_until_a_day(void **state)
{
	make_example(*state);
#define AT "'customer':'example','range':'11.0.0.1',"
	assert_int_equal(legacy_day(*state, "11.0.0.1"), 0);
	do_good(*state, "ip.change", AT "'legacy_tls_until':'2099-12-31'");
	assert_true(exports(*state, "legacy_tls_until: 2099-12-31 }"));
	assert_int_equal(legacy_day(*state, "11.0.0.1"), 47482);
	struct answer a = call(*state, "ip.list", "{}");
	assert_has(&a.rows, "\"legacy_tls_until\":\"2099-12-31\"");
	answer_free(&a);
	a = call(*state, "audit.list", "{}");
	assert_has(&a.rows, "\"legacy_tls_until\":\"2099-12-31\"");
	answer_free(&a);
	/* What a file doesn't say stays; what it says is taken. */
	apply_good(*state, FILE_OF_EXAMPLE);
	assert_int_equal(legacy_day(*state, "11.0.0.1"), 47482);
	char *text = export_text(*state);
	do_good(*state, "ip.change", AT "'legacy_tls_until':''");
	assert_false(exports(*state, "legacy_tls_until"));
	assert_int_equal(legacy_day(*state, "11.0.0.1"), 0);
	apply_good(*state, text);
	free(text);
	assert_int_equal(legacy_day(*state, "11.0.0.1"), 47482);
	/* Of a day that has passed one is told. */
	a = call(*state, "ip.change",
		 "{\"customer\":\"example\",\"range\":\"11.0.0.1\","
		 "\"legacy_tls_until\":\"2021-12-31\"}");
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "'legacy_tls_until' 2021-12-31 has passed");
	answer_free(&a);
	do_bad(*state, 64, "ip.change", AT "'legacy_tls_until':'2027-02-29'",
	       "\"2027-02-29\" is no day");
	do_bad(*state, 64, "ip.change", AT "'legacy_tls_until':[]",
	       "expected text");
	do_bad(*state, 78, "ip.change",
	       "'range':'11.0.0.1','legacy_tls_until':'2099-12-31',"
	       "'as':'alice@example.com'",
	       "only the operator changes 'legacy_tls_until'");
#undef AT
}

static void s12_3_a_super_admin_changes_the_own_customer(void **state)
{
	make_example(*state);
#define AS ",'as':'alice@example.com'"
	do_good(*state, "setting.add",
		"'description':'Third','ip_only':true" AS);
	do_good(*state, "ip.add", "'range':'11.0.0.5','setting':'third',"
				  "'description':'x'" AS);
	do_bad(*state, 78, "ip.change", "'range':'11.0.0.5','shared':true" AS,
	       "only the operator changes 'shared'");
	do_bad(*state, 78, "customer.change",
	       "'name':'example','licences':9" AS,
	       "only the operator changes 'licences'");
	do_bad(*state, 77, "customer.remove", "'name':'example'" AS, "");
	do_bad(*state, 65, "domain.add", "'name':'x.example',"
					 "'customer':'other'" AS,
	       "there is no customer 'other'");
	do_good(*state, "user.change", "'address':'unit@sub.example.com',"
				       "'role':'user'" AS);
	do_good(*state, "user.change", "'address':'unit@sub.example.com',"
				       "'role':'auditor'" AS);
#undef AS
	do_bad(*state, 77, "user.add", "'address':'n@example.com','as':"
				       "'unit@sub.example.com'", "");
	do_good(*state, "user.list", "'as':'unit@sub.example.com'");
}

/* --- ranges that two customers have (SPEC 2.2) ----------------------------- */

/* Whose mail is it: the customer's name, or "". */
static void assert_identified(const char *dir, const char *sender_domain,
			      const char *want)
{
	const struct view *v = load_view(dir);
	struct facts f = { .helo = SLICE("h") };
	struct decision dec;
	assert_true(ip_addr_parse(SLICE("11.0.0.1"), &f.client));
	f.sender = (struct address){ .local = SLICE("x"),
				     .domain = slice_of(sender_domain) };
	policy_decide(v, &f, &dec, NULL);
	assert_slice_eq(dec.customer != NULL ? dec.customer->name : SLICE(""),
			want);
	view_unref(&v);
}

static void make_late(const char *dir)
{
	make_example(dir);
	do_good(dir, "customer.add", "'name':'late'");
	do_good(dir, "domain.add", "'name':'late.example','customer':'late',"
				   "'verified':'operator'");
	do_good(dir, "user.add", "'address':'boss@late.example',"
				 "'role':'super-admin'");
	do_good(dir, "setting.add", "'customer':'late','description':'x',"
				    "'allowed_senders':'own-domains',"
				    "'ip_only':true");
}

static void s2_2_sharing_is_asked_for_and_granted(void **state)
{
	make_late(*state);
#define AS ",'as':'boss@late.example'"
	char args[300];
	struct answer a = call(*state, "ip.add", quoted(
		"{'range':'11.0.0.0/30','description':'x'" AS "}", args,
		sizeof(args)));
	assert_int_equal(a.code, 0);
	assert_has(&a.rows, "another customer held first");
	assert_has(&a.rows, "ip request-sharing");
	assert_false(has(&a.rows, "example'"));
	answer_free(&a);
	assert_identified(*state, "late.example", "");
	a = call(*state, "ip.list", "{\"requests\":true}");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
	do_bad(*state, 77, "ip.share", "'range':'11.0.0.0/30'" AS, "");
	do_bad(*state, 78, "ip.change", "'range':'11.0.0.0/30','shared':true" AS,
	       "only the operator changes 'shared'");
	do_good(*state, "ip.request_sharing", "'range':'11.0.0.0/30'" AS);
	do_bad(*state, 65, "ip.request_sharing",
	       "'customer':'example','range':'11.0.0.1'", "is in force");
	assert_identified(*state, "late.example", "");
	a = call(*state, "ip.list", "{\"requests\":true}");
	assert_int_equal(a.row_count, 1);
	assert_has(&a.rows, "\"customer\":\"late\"");
	answer_free(&a);
	/* Another change leaves the request, and no file says it. */
	do_good(*state, "ip.change", "'range':'11.0.0.0/30',"
				     "'description':'y'" AS);
	assert_false(exports(*state, "requested"));
	a = call(*state, "ip.list", "{\"requests\":true}");
	assert_int_equal(a.row_count, 1);
	answer_free(&a);
	do_good(*state, "ip.share", "'customer':'late','range':'11.0.0.0/30'");
	assert_identified(*state, "late.example", "late");
	assert_identified(*state, "example.com", "example");
	a = call(*state, "ip.list", "{\"requests\":true}");
	assert_int_equal(a.row_count, 0);
	answer_free(&a);
	do_bad(*state, 65, "ip.request_sharing", "'range':'11.0.0.0/30'" AS,
	       "is in force");
	/* And taken back. */
	do_good(*state, "ip.change", "'customer':'late','range':"
				     "'11.0.0.0/30','shared':false");
	assert_identified(*state, "late.example", "");
#undef AS
}

static void s2_2_what_a_removed_customer_held_is_free(void **state)
{
	make_late(*state);
	do_good(*state, "ip.add", "'customer':'late','range':'11.0.0.1',"
				  "'description':'x'");
	assert_identified(*state, "late.example", "");
	do_good(*state, "customer.remove", "'name':'example'");
	assert_identified(*state, "late.example", "late");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, \
						harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(s12_2_verbs_and_a_file_make_the_same),
		TEST(only_what_is_said_changes),
		TEST(a_dry_run_only_tells),
		TEST(s3_1_settings_keep_their_order),
		TEST(what_is_removed_is_gone),
		TEST(a_removed_customer_is_closing),
		TEST(s3_4_errors_say_what_is_wrong),
		TEST(s3_4_the_smallest_range_is_recommended),
		TEST(s12_2_prune_takes_every_kind),
		TEST(every_change_is_audited_by_its_call),
		TEST(s12_3_a_unit_admin_changes_the_own_users),
		TEST(s1_9_old_tls_of_an_entry_until_a_day),
		TEST(s12_3_a_super_admin_changes_the_own_customer),
		TEST(s2_2_sharing_is_asked_for_and_granted),
		TEST(s2_2_what_a_removed_customer_held_is_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
