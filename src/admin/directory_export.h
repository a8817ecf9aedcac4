/* Writing a customer in the form of a directory file. */
#pragma once

#include "admin/rows.h"

/* "customers:\n", then each customer behind it. */
void directory_export_begin(struct buf *out);
void directory_export_customer(struct buf *out, const struct customer_row *c);
