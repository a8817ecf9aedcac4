/* The text of a configuration or directory file: any bytes. */
#include "wire/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 forgets 2 KiB when an escaped text is broken off: once a
 * refused file, in admin and at reload only. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so\n";
}

static const char *const KEYS[] = { "customers", "name", "listeners", NULL };

static void walk(const struct yaml *y, const struct yaml_node *n,
		 struct arena *arena, struct buf *errors)
{
	uint64_t v;
	bool b;
	slice s;
	unsigned u;
	(void)!yaml_u64(y, n, 0, 100, &v, errors);
	(void)!yaml_bool(y, n, &b, errors);
	(void)!yaml_string(y, n, arena, &s, errors);
	(void)!yaml_size(y, n, &v, errors);
	(void)!yaml_duration_ms(y, n, &v, errors);
	(void)!yaml_choice(y, n, KEYS, &u, errors);
	yaml_check_keys(y, n, KEYS, errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf errors;
	struct yaml *y;
	buf_init(&errors, 1 << 20);
	slice text = { (const char *)data, size };
	if (!yaml_open(text, "f", LANGUAGE_EN, &y, &errors)) {
		invariant(y == NULL && errors.n > 0 &&
			  errors.p[errors.n - 1] == '\n');
		buf_fini(&errors);
		return 0;
	}
	invariant(errors.n == 0);
	struct arena arena;
	arena_init(&arena, 1 << 20);
	const struct yaml_node *root = yaml_root(y);
	walk(y, root, &arena, &errors);
	for (size_t i = 0; i < yaml_count(root) && i < 100; i++)
		walk(y, yaml_item(root, i), &arena, &errors);
	arena_fini(&arena);
	yaml_close(&y);
	buf_fini(&errors);
	return 0;
}
