/* The text of a directory file: any bytes; rows or errors, never both. */
#include "admin/directory.h"
#include "admin/directory_export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* See fuzz_yaml.c. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so\n";
}

/* What was loaded can be written, and loads again. */
static void write_and_load(struct directory *d)
{
	struct buf text;
	struct directory again;
	buf_init(&text, 1 << 22);
	if (d->plans.count > 0)
		directory_export_plans(&text, &d->plans);
	directory_export_begin(&text);
	for (uint32_t i = 0; i < d->customers.count; i++) {
		struct customer_row *c = row_customer(d->customers.items[i]);
		/* Only rows that would be stored have descriptions. */
		for (uint32_t k = 0; k < c->settings.count; k++)
			if (row_setting(c->settings.items[k])
				    ->s.description.n == 0)
				goto out;
		directory_export_customer(&text, c);
	}
	directory_init(&again, LANGUAGE_JA);
	if (!text.failed && d->customers.count > 0)
		invariant(directory_load(&again, buf_slice(&text), "g"));
	invariant(text.failed || d->customers.count == 0 ||
		  again.customers.count == d->customers.count);
	invariant(text.failed || d->customers.count == 0 ||
		  again.plans.count == d->plans.count);
	directory_fini(&again);
out:
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct directory d;
	directory_init(&d, size % 2 ? LANGUAGE_JA : LANGUAGE_EN);
	bool ok = directory_load(&d, (slice){ (const char *)data, size },
				 "f");
	invariant(ok == (d.errors.n == 0));
	if (ok)
		write_and_load(&d);
	directory_fini(&d);
	return 0;
}
