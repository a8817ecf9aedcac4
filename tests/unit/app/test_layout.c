/* The data directory: what is made, what is kept, what is refused. */
#include "unit/unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/layout.h"
#include "os/process.h"

struct place {
	char path[64], data[96];
	struct arena arena;
	struct config config;
	struct layout layout;
	struct buf errors;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	strcpy(p->path, "/tmp/postrider-layout-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	snprintf(p->data, sizeof(p->data), "%s/data", p->path);
	arena_init(&p->arena, CONFIG_ARENA_MAX);
	buf_init(&p->errors, 65536);
	assert_true(config_defaults(&p->config, &p->arena));
	p->config.data_dir = p->data;
	assert_true(layout_find(&p->layout, &p->config, NULL));
	p->layout.change_user = false;
	assert_true(layout_make(&p->layout, &p->config, NULL));
	*state = p;
	return 0;
}
static int tear_down(void **state)
{
	struct place *p = *state;
	char command[128];
	buf_fini(&p->errors);
	arena_fini(&p->arena);
	os_close(&p->layout.lock_fd);
	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static const char *at(struct place *p, const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", p->data, name);
	return path;
}

static void l4_5_keys_are_made_once_and_closed(void **state)
{
	struct place *p = *state;
	uint8_t first[PEPPER_LEN], again[PEPPER_LEN];
	struct stat st;
	assert_true(layout_pepper(&p->layout, first, NULL));
	assert_true(layout_pepper(&p->layout, again, NULL));
	assert_memory_equal(first, again, PEPPER_LEN);
	assert_int_equal(stat(at(p, "keys/pepper"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	assert_int_equal(stat(at(p, "keys"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void a_damaged_pepper_is_no_new_pepper(void **state)
{
	struct place *p = *state;
	uint8_t pepper[PEPPER_LEN];
	struct err err = { 0 };
	assert_true(os_file_save(at(p, "keys/pepper"), SLICE("short"), 0400,
				 NULL));
	assert_false(layout_pepper(&p->layout, pepper, &err));
	assert_int_equal(err.kind, ERR_PERMANENT);
}

static void a_certificate_is_made_at_the_first_start(void **state)
{
	struct place *p = *state;
	struct config_files first = { 0 }, again = { 0 };
	bool ok = layout_files(&p->layout, &p->config, SLICE("a.example"), LANGUAGE_EN,
			       &p->arena, &first, &p->errors);
	if (!ok)
		fail_msg("%.*s", SLICE_ARG(buf_slice(&p->errors)));
	assert_true(slice_starts(first.certificate_pem,
				 SLICE("-----BEGIN CERTIFICATE")));
	assert_true(layout_files(&p->layout, &p->config, SLICE("a.example"), LANGUAGE_EN,
				 &p->arena, &again, &p->errors));
	assert_true(slice_eq(first.key_pem, again.key_pem));
}

static void l7_a_key_that_others_may_read_is_refused(void **state)
{
	struct place *p = *state;
	struct config_files files = { 0 };
	assert_true(layout_files(&p->layout, &p->config, SLICE("a.example"), LANGUAGE_EN,
				 &p->arena, &files, &p->errors));
	assert_int_equal(chmod(at(p, "keys/self-signed.key"), 0644), 0);
	assert_false(layout_files(&p->layout, &p->config, SLICE("a.example"), LANGUAGE_EN,
				  &p->arena, &files, &p->errors));
	assert_true(slice_find_slice(buf_slice(&p->errors),
				     SLICE("others may read it")) <
		    p->errors.n);
}

static void l7_key_and_certificate_must_belong_together(void **state)
{
	struct place *p = *state;
	struct config_files files = { 0 };
	char certificate[256], other[256];
	assert_true(layout_files(&p->layout, &p->config, SLICE("a.example"), LANGUAGE_EN,
				 &p->arena, &files, &p->errors));
	strcpy(certificate, at(p, "certs/self-signed.pem"));
	strcpy(other, at(p, "certs/old.pem"));
	assert_int_equal(rename(certificate, other), 0);
	assert_int_equal(unlink(at(p, "keys/self-signed.key")), 0);
	assert_true(layout_files(&p->layout, &p->config, SLICE("a.example"), LANGUAGE_EN,
				 &p->arena, &files, &p->errors));
	p->config.tls_certificate = other;
	p->config.tls_key = at(p, "keys/self-signed.key");
	assert_false(layout_files(&p->layout, &p->config, SLICE("a.example"), LANGUAGE_EN,
				  &p->arena, &files, &p->errors));
}

static void passwords_of_routes_come_from_files(void **state)
{
	struct place *p = *state;
	struct config_files files = { 0 };
	char path[256];
	struct config_route route = { .kind = ROUTE_SMART_HOST };
	strcpy(path, at(p, "keys/relay.pw"));
	route.password_file = path;
	p->config.routes = &route;
	p->config.route_count = 1;
	assert_true(os_file_save(path, SLICE("s3cret\n"), 0600, NULL));
	assert_true(layout_passwords(&p->config, LANGUAGE_EN, &p->arena, &files,
				     &p->errors));
	assert_slice_eq(files.secrets[0], "s3cret");
	assert_true(os_file_save(path, SLICE("\n"), 0600, NULL));
	assert_false(layout_passwords(&p->config, LANGUAGE_EN, &p->arena, &files,
				      &p->errors));
	unlink(path);
	assert_false(layout_passwords(&p->config, LANGUAGE_EN, &p->arena, &files,
				      &p->errors));
}

static void one_service_for_a_data_directory(void **state)
{
	struct place *p = *state;
	struct layout second;
	struct err err = { 0 };
	assert_true(layout_lock(&p->layout, 0, NULL, NULL));
	assert_true(layout_where(&second, &p->config, NULL));
	assert_false(layout_lock(&second, 150, NULL, &err));
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(err.text, "is running here"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(l4_5_keys_are_made_once_and_closed),
		TEST(a_damaged_pepper_is_no_new_pepper),
		TEST(a_certificate_is_made_at_the_first_start),
		TEST(l7_a_key_that_others_may_read_is_refused),
		TEST(l7_key_and_certificate_must_belong_together),
		TEST(passwords_of_routes_come_from_files),
		TEST(one_service_for_a_data_directory),
	};
	return cmocka_run_group_tests_name("app/layout", tests, NULL, NULL);
}
