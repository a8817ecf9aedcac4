/*
 * Rows of the directory into and out of the store: statements are made from
 * the table of fields. Failures are the store's (store_good).
 */
#pragma once

#include "admin/rows.h"
#include "admin/store.h"

struct tables {
	struct store *store;
	struct arena arena;		/* of the statements' texts */
	const char *insert[ROW_KIND_COUNT];
	const char *update[ROW_KIND_COUNT];
	const char *select[ROW_KIND_COUNT];
	const char *users_page;		/* of one customer, by address */
};
bool tables_init(struct tables *t, struct store *store,
		 struct err *err) MUST_USE;
/* Before the store is closed. */
void tables_fini(struct tables *t);

/* Gives the row its id. Of a user, aliases are written too; of an update,
 * those before are replaced. */
void tables_insert(struct tables *t, struct row *r);
void tables_update(struct tables *t, const struct row *r);
void tables_remove(struct tables *t, const struct row *r);
/* Before aliases change hands between users. */
void tables_clear_aliases(struct tables *t, uint32_t user);

/* What of a customer is read besides its own row: it may have half a million
 * users. Bits. */
enum customer_part {
	PART_DOMAINS = 1,
	PART_USERS = 2,
	PART_SETTINGS = 4,		/* with their entries */
	PARTS_ALL = 7,
};
/* A customer, each list in the order of ids (settings: of positions); NULL:
 * none, or a failure. */
struct customer_row *tables_customer(struct tables *t, uint64_t id,
				     unsigned parts, struct arena *arena);
/* Closing ones are none. */
struct customer_row *tables_customer_named(struct tables *t, slice name,
					   unsigned parts,
					   struct arena *arena);
/* The one with the next id above `after`, closing or not. */
struct customer_row *tables_customer_after(struct tables *t, uint32_t after,
					   unsigned parts,
					   struct arena *arena);
/* At most `limit` users of the customer whose address begins with prefix and
 * comes after `after`, by address; with their aliases. */
void tables_users(struct tables *t, uint32_t customer, slice prefix,
		  slice after, uint32_t limit, struct row_list *out,
		  struct arena *arena);
/* All plans, by id. */
void tables_plans(struct tables *t, struct row_list *out,
		  struct arena *arena);
/* 0: none of this name, or a failure. */
uint32_t tables_plan_id(struct tables *t, slice name);
/* Of one customer: app passwords, each to `each`; slices lend. */
void tables_app_passwords(struct tables *t, uint32_t customer,
			  void (*each)(void *ctx,
				       const struct app_password *p),
			  void *ctx);
