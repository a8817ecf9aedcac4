/* Writing a customer in the form of a directory file. */
#pragma once

#include "admin/rows.h"

/* "customers:\n", then each customer behind it. */
void directory_export_begin(struct buf *out);
/* "plans:" and all of them; before the customers. */
void directory_export_plans(struct buf *out, const struct row_list *plans);
void directory_export_customer(struct buf *out, const struct customer_row *c);
