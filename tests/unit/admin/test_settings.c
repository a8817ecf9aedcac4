/* Relay settings as pages edit them: whole, checked, drafted, tried before
 * they are in force (SPEC 3, CONSOLE 6); and pages of users. */
#include "unit/admin/harness.h"

static const char DIRECTORY[] =
	"customers:\n"
	"- name: minor\n"
	"  domains: [ { name: minor.test, verified: operator } ]\n"
	"  users:\n"
	"  - { address: a@minor.test, aliases: [ alias@minor.test ] }\n"
	"  - { address: b@minor.test }\n"
	"  - { address: c@minor.test }\n"
	"  relay_settings:\n"
	"  - { description: Head office, allowed_senders: own-domains,\n"
	"      authentication: { ip_only: true }, ip_entries: [\n"
	"      { range: 11.0.0.1, description: one },\n"
	"      { range: 11.0.0.2, description: two } ] }\n"
	"  - { description: Second, authentication: { require_auth: true } }\n";

/* Arguments with ' for ". */
static struct answer ask(const char *dir, const char *name, const char *args)
{
	char text[4096];
	snprintf(text, sizeof(text), "{%s}", args);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	return call(dir, name, text);
}

static void expect(const char *dir, const char *name, const char *args,
		   int code, const char *words)
{
	struct answer a = ask(dir, name, args);
	bool said = *words == '\0' || has(&a.rows, words) ||
		    has(&a.text, words);
	if (a.code != code || !said) {
		print_error("wanted %d and: %s\n", code, words);
		show(name, &a);
	}
	answer_free(&a);
}

/* The value of "etag" in the answer of setting.show. */
static void tag_of(const char *dir, const char *id, char to[65])
{
	char args[200];
	snprintf(args, sizeof(args), "'customer':'minor','id':'%s'", id);
	struct answer a = ask(dir, "setting.show", args);
	slice rows = buf_slice(&a.rows);
	size_t at = slice_find_slice(rows, SLICE("\"etag\":\""));
	assert_int_not_equal(at, rows.n);
	assert_true(slice_to_cstr(slice_sub(rows, at + 8, 64), to, 65));
	answer_free(&a);
}

static void s3_1_a_setting_is_put_whole(void **state)
{
	apply_good(*state, DIRECTORY);
	expect(*state, "setting.put",
	       "'customer':'minor','id':'head-office','setting':{"
	       "'description':'Main','require_tls':true,'ip_entries':["
	       "{'range':'11.0.0.2','description':'zwei'},"
	       "{'range':'11.0.0.3','description':'three'}]}", 0, "revision");
	struct answer a = ask(*state, "setting.show",
			      "'customer':'minor','id':'head-office'");
	assert_has(&a.rows, "\"description\":\"Main\"");
	assert_has(&a.rows, "\"require_tls\":true");
	/* What was not said stayed. */
	assert_has(&a.rows, "\"allowed_senders\":\"own-domains\"");
	assert_has(&a.rows, "\"description\":\"zwei\"");
	assert_has(&a.rows, "11.0.0.3/32");
	assert_false(has(&a.rows, "11.0.0.1/32"));
	assert_has(&a.rows, "\"entries\":2");
	assert_has(&a.rows, "\"changed_by\":");
	answer_free(&a);
	/* Without a list the entries stay. */
	expect(*state, "setting.put",
	       "'customer':'minor','id':'head-office','setting':{"
	       "'require_tls':false}", 0, "revision");
	expect(*state, "setting.show",
	       "'customer':'minor','id':'head-office'", 0, "\"entries\":2");
	/* Nobody read domains and users for it; they are as they were. */
	char *text = export_text(*state);
	assert_non_null(strstr(text, "minor.test, kind"));
	assert_non_null(strstr(text, "alias@minor.test"));
	assert_non_null(strstr(text, "c@minor.test"));
	free(text);
}

static void s3_1_a_new_setting(void **state)
{
	apply_good(*state, DIRECTORY);
	expect(*state, "setting.put",
	       "'customer':'minor','setting':{'description':'Third',"
	       "'require_auth':true}", 0, "revision");
	expect(*state, "setting.show", "'customer':'minor','id':'third'", 0,
	       "\"position\":3");
	expect(*state, "setting.put",
	       "'customer':'minor','setting':{'description':'Third',"
	       "'require_auth':true}", 65, "there already");
	expect(*state, "setting.put",
	       "'customer':'minor','id':'fourth','setting':{"
	       "'description':'Fourth','require_auth':true}", 65, "fourth");
	expect(*state, "setting.put",
	       "'customer':'minor','setting':{'description':'Fifth',"
	       "'require_auth':true,'colour':'red'}", 64, "colour");
}

static void who_saves_last_has_seen_the_last(void **state)
{
	char tag[65], args[512];
	apply_good(*state, DIRECTORY);
	tag_of(*state, "head-office", tag);
	snprintf(args, sizeof(args),
		 "'customer':'minor','id':'head-office','if_match':'%s',"
		 "'setting':{'require_tls':true}", tag);
	expect(*state, "setting.put", args, 0, "revision");
	expect(*state, "setting.put", args, 3, "saved this setting");
	expect(*state, "audit.list",
	       "'customer':'minor','setting':'head-office'", 0,
	       "\"object\":\"setting head-office\"");
	/* An entry counts, the order does not. */
	tag_of(*state, "head-office", tag);
	expect(*state, "setting.order",
	       "'customer':'minor','ids':['second','head-office']", 0,
	       "revision");
	snprintf(args, sizeof(args),
		 "'customer':'minor','id':'head-office','if_match':'%s',"
		 "'setting':{'require_tls':false}", tag);
	expect(*state, "setting.put", args, 0, "revision");
	tag_of(*state, "head-office", tag);
	expect(*state, "ip.change",
	       "'customer':'minor','range':'11.0.0.1','enabled':false", 0,
	       "revision");
	snprintf(args, sizeof(args),
		 "'customer':'minor','id':'head-office','if_match':'%s',"
		 "'setting':{'require_tls':true}", tag);
	expect(*state, "setting.put", args, 3, "saved this setting");
}

static void the_order_is_put_at_once(void **state)
{
	apply_good(*state, DIRECTORY);
	expect(*state, "setting.order",
	       "'customer':'minor','ids':['second','head-office']", 0,
	       "revision");
	expect(*state, "setting.show", "'customer':'minor','id':'second'", 0,
	       "\"position\":1");
	/* Those that aren't named come behind. */
	expect(*state, "setting.order",
	       "'customer':'minor','ids':['head-office']", 0, "revision");
	expect(*state, "setting.show", "'customer':'minor','id':'second'", 0,
	       "\"position\":2");
	expect(*state, "setting.order", "'customer':'minor','ids':['none']",
	       65, "none");
	expect(*state, "setting.order", "'customer':'minor','ids':'second'",
	       64, "ids");
}

/* Each problem: where, which, and what would be right. */
static void s3_4_problems_stand_at_their_fields(void **state)
{
	static const struct {
		const char *setting, *field, *code, *fix;
	} rows[] = {
		{ "'description':'n'", "", "open_relay", "" },
		{ "'description':'','ip_only':true", "description", "empty", "" },
		{ "'description':'n','ip_only':true,'ip_entries':["
		  "{'range':'11.0.0.9/28','description':'d'}]",
		  "ip_entries.0.range", "host_bits", "11.0.0.0/28" },
		{ "'description':'n','ip_only':true,'ip_entries':["
		  "{'range':'11.0.0.8','description':'d'},"
		  "{'range':'11.0.0.16-11.0.0.31','description':'d'}]",
		  "ip_entries.1.range", "bad_range", "11.0.0.16/28" },
		{ "'description':'n','ip_only':true,'ip_entries':["
		  "{'range':'10.0.0.0/8','description':'d'}]",
		  "ip_entries.0.range", "too_wide", "" },
		{ "'description':'n','ip_only':true,'ip_entries':["
		  "{'range':'10.0.0.1','description':'d'}]",
		  "ip_entries.0", "not_public", "" },
		{ "'description':'n','ip_only':true,'ip_entries':["
		  "{'range':'11.0.0.8','description':'d'},"
		  "{'range':'11.0.0.0/28','description':'d'}]",
		  "ip_entries.0", "range_overlaps", "" },
		{ "'description':'n','ip_only':true,'ip_entries':["
		  "{'range':'11.0.0.8','description':'d'},"
		  "{'range':'11.0.0.8/32','description':'d'}]",
		  "ip_entries.1", "range_twice", "" },
		{ "'description':'n','ip_only':'yes'", "ip_only", "malformed",
		  "" },
		{ "'description':'n','ip_only':true,'allowed_senders':'al'",
		  "allowed_senders", "malformed", "" },
	};
	apply_good(*state, DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char args[600], words[100];
		snprintf(args, sizeof(args),
			 "'customer':'minor','setting':{%s}", rows[i].setting);
		struct answer a = ask(*state, "setting.check", args);
		snprintf(words, sizeof(words), "\"field\":\"%s\"",
			 rows[i].field);
		if ((a.code != 78 && a.code != 64) ||
		    !has(&a.rows, words) || !has(&a.rows, rows[i].code) ||
		    (*rows[i].fix != '\0' && !has(&a.rows, rows[i].fix))) {
			print_error("%s\n", args);
			show("setting.check", &a);
		}
		answer_free(&a);
	}
	/* Nothing was stored. */
	struct answer a = ask(*state, "setting.list", "'whole':true,"
						      "'customer':'minor'");
	assert_int_equal(a.row_count, 2);
	answer_free(&a);
}

static void notes_are_named_too(void **state)
{
	apply_good(*state, DIRECTORY);
	expect(*state, "setting.check",
	       "'customer':'minor','setting':{'description':'n',"
	       "'ip_only':true,'ip_entries':["
	       "{'range':'11.0.0.1','description':'d'}]}", 0,
	       "\"code\":\"range_elsewhere\",\"values\":[\"11.0.0.1/32\"");
}

static void s3_1_a_draft_is_not_in_force(void **state)
{
	apply_good(*state, DIRECTORY);
	expect(*state, "draft.save",
	       "'customer':'minor','id':'head-office','setting':{"
	       "'ip_entries':[{'range':'11.0.0.7','description':'new'}]}", 0,
	       "");
	/* A draft may be wrong: it is kept as it was typed. */
	expect(*state, "draft.save",
	       "'customer':'minor','id':'new-1','setting':{"
	       "'description':'','ip_entries':[{'range':'x'}]}", 0, "");
	expect(*state, "draft.save",
	       "'customer':'minor','id':'other','setting':{}", 64, "id");
	struct answer a = ask(*state, "draft.list", "'customer':'minor'");
	assert_int_equal(a.row_count, 2);
	assert_has(&a.rows, "\"id\":\"new-1\",\"fresh\":true");
	answer_free(&a);
	expect(*state, "setting.show", "'customer':'minor','id':'head-office'",
	       0, "\"draft\":{\"at\":");
	expect(*state, "setting.show", "'customer':'minor','id':'head-office'",
	       0, "11.0.0.1/32");
	static const char FACTS[] =
		"'customer':'minor','client_ip':'11.0.0.7',"
		"'from':'a@minor.test','helo':'mx.minor.test'";
	char args[400];
	expect(*state, "explain", FACTS, 0, "\"verdict\":\"refuse\"");
	snprintf(args, sizeof(args), "%s,'draft':'head-office'", FACTS);
	expect(*state, "explain", args, 0, "\"verdict\":\"accept\"");
	snprintf(args, sizeof(args), "%s,'draft':'new-1'", FACTS);
	expect(*state, "explain", args, 78, "\"field\":\"ip_entries.0.range\"");
	snprintf(args, sizeof(args), "%s,'draft':'none'", FACTS);
	expect(*state, "explain", args, 65, "none");
	snprintf(args, sizeof(args),
		 "%s,'setting':{'description':'n','ip_only':true,"
		 "'allowed_senders':'own-domains','ip_entries':["
		 "{'range':'11.0.0.7','description':'d'}]}", FACTS);
	expect(*state, "explain", args, 0, "\"verdict\":\"accept\"");
	/* All that was only looked at. */
	expect(*state, "explain", FACTS, 0, "\"verdict\":\"refuse\"");
}

static void a_saved_draft_is_gone(void **state)
{
	apply_good(*state, DIRECTORY);
	expect(*state, "draft.save", "'customer':'minor','id':'second',"
				     "'setting':{}", 0, "");
	expect(*state, "setting.put",
	       "'customer':'minor','id':'second','draft':'second',"
	       "'setting':{'require_tls':true}", 0, "revision");
	expect(*state, "draft.show", "'customer':'minor','id':'second'", 65,
	       "second");
	/* Also one that changes nothing. */
	expect(*state, "draft.save", "'customer':'minor','id':'second',"
				     "'setting':{}", 0, "");
	expect(*state, "setting.put",
	       "'customer':'minor','id':'second','draft':'second',"
	       "'setting':{'require_tls':true}", 0, "nothing to change");
	expect(*state, "draft.show", "'customer':'minor','id':'second'", 65,
	       "second");
	/* One that can't be saved stays. */
	expect(*state, "draft.save", "'customer':'minor','id':'second',"
				     "'setting':{}", 0, "");
	expect(*state, "setting.put",
	       "'customer':'minor','id':'second','draft':'second',"
	       "'setting':{'require_auth':false}", 78, "open_relay");
	expect(*state, "draft.show", "'customer':'minor','id':'second'", 0,
	       "second");
}

static void users_come_in_pages(void **state)
{
	apply_good(*state, DIRECTORY);
	struct answer a = ask(*state, "user.list",
			      "'customer':'minor','limit':2");
	assert_int_equal(a.row_count, 3);
	assert_has(&a.rows, "{\"address\":\"a@minor.test\"");
	assert_has(&a.rows, "alias@minor.test");
	assert_has(&a.rows, "{\"next\":\"b@minor.test\"}");
	answer_free(&a);
	a = ask(*state, "user.list", "'customer':'minor','limit':2,"
				     "'cursor':'b@minor.test'");
	assert_int_equal(a.row_count, 1);
	assert_has(&a.rows, "c@minor.test");
	answer_free(&a);
	a = ask(*state, "user.list", "'customer':'minor','prefix':'b'");
	assert_int_equal(a.row_count, 1);
	answer_free(&a);
	expect(*state, "user.show", "'address':'alias@minor.test'", 0,
	       "\"address\":\"a@minor.test\"");
	expect(*state, "user.show", "'address':'x@minor.test'", 65, "x@");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(s3_1_a_setting_is_put_whole),
		harness_test(s3_1_a_new_setting),
		harness_test(who_saves_last_has_seen_the_last),
		harness_test(the_order_is_put_at_once),
		harness_test(s3_4_problems_stand_at_their_fields),
		harness_test(notes_are_named_too),
		harness_test(s3_1_a_draft_is_not_in_force),
		harness_test(a_saved_draft_is_gone),
		harness_test(users_come_in_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
