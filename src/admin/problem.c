/* Problems as rows, and the way from a fragment's path to a field; see
 * problem.h. */
#include "admin/problem.h"

#include <inttypes.h>
#include <stdio.h>

static const slice NONE = { 0 };

enum { LABEL_MAX = 1024, CODE_MAX = 64, V4_BITS = 96 };

/* --- fields --------------------------------------------------------------- */

static bool is_number(slice s)
{
	uint64_t n;
	return slice_u64(s, UINT64_MAX, &n);
}

/* "relay_settings.0." in front, with its number. */
static bool cut_item(slice *path, const char *list)
{
	slice rest = *path;
	if (!slice_eq(slice_cut(&rest, '.'), slice_of(list)) ||
	    !is_number(slice_cut(&rest, '.')))
		return false;
	*path = rest;
	return true;
}

slice problem_field(slice path)
{
	static const char *const lists[] = { "relay_settings", "domains",
					     "users" };
	static const char *const groups[] = { "authentication", "over_limit" };
	slice rest;
	cut_item(&path, "customers");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (cut_item(&path, lists[i]))
			break;
	rest = path;
	slice group = slice_cut(&rest, '.');
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (rest.n > 0 && slice_eq(group, slice_of(groups[i])))
			return rest;
	return path;
}

/* --- what would be right -------------------------------------------------- */

static void write_fix(struct json *j, enum language language,
		      enum admin_text id, slice value, slice number)
{
	struct buf label;
	buf_init(&label, LABEL_MAX);
	admin_say(&label, language, id, value, number, NONE);
	json_object(j);
	json_member_string(j, "label", buf_slice(&label));
	json_member_string(j, "value", value);
	json_object_end(j);
	buf_fini(&label);
}

static void fix_range(struct json *j, enum language language, slice range)
{
	struct ip_range r;
	char number[24];
	if (!ip_range_parse(range, &r) || r.bits < V4_BITS)
		return;
	snprintf(number, sizeof(number), "%" PRIu64,
		 UINT64_C(1) << (128 - r.bits));
	write_fix(j, language, r.bits == 128 ? SAY_FIX_ONE : SAY_FIX_RANGE,
		  range, slice_of(number));
}

/* 192.0.2.40/28: the range, or the one address. */
static void fix_host_bits(struct json *j, enum language language,
			  const struct problem *p)
{
	slice rest = p->values[0];
	fix_range(j, language, p->values[1]);
	fix_range(j, language, slice_cut(&rest, '/'));
}

static void write_fixes(struct json *j, const struct problem *p,
			enum language language)
{
	char meant[IP_RANGE_TEXT_MAX];
	slice code = slice_of(p->code);
	json_key(j, "fixes");
	json_array(j);
	if (slice_eq(code, slice_of(admin_text_name(SAY_HOST_BITS))))
		fix_host_bits(j, language, p);
	else if (slice_eq(code, slice_of(admin_text_name(SAY_BAD_RANGE))) &&
		 problem_meant_range(p->values[0], meant))
		fix_range(j, language, slice_of(meant));
	json_array_end(j);
}

/* --- the row -------------------------------------------------------------- */

void problem_members(struct json *j, const char *code,
		     const slice values[PROBLEM_VALUES])
{
	char lower[CODE_MAX] = { 0 };
	for (size_t i = 0; code[i] != '\0' && i < sizeof(lower) - 1; i++)
		lower[i] = ascii_lower(code[i]);
	json_member_cstr(j, "code", lower);
	json_key(j, "values");
	json_array(j);
	for (size_t i = 0; i < PROBLEM_VALUES && values[i].n > 0; i++)
		json_string(j, values[i]);
	json_array_end(j);
}

void problem_write(struct buf *row, const struct problem *p,
		   enum language language)
{
	struct json j;
	json_init(&j, row);
	json_object(&j);
	json_member_bool(&j, "error", true);
	json_member_string(&j, "field", p->field);
	json_member_string(&j, "message", p->message);
	problem_members(&j, p->code != NULL ? p->code : "MALFORMED",
			p->values);
	if (p->code != NULL)
		write_fixes(&j, p, language);
	json_object_end(&j);
}
