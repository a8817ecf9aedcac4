/*
 * Rows of an answer (JSON objects) for people: a table as wide as its rows
 * need, with the objects of a list inside a row below it. Strings come from
 * strangers and are escaped (cli_escape).
 */
#pragma once

#include "app/cli.h"

struct table;
/* Prints to standard output, in batches. NULL: no memory. */
struct table *table_new(const struct cli *cli);
/* Takes a copy. False: not JSON, or no memory. */
bool table_row(struct table *t, slice json_object) MUST_USE;
/* Prints what is left, frees; the number of rows. */
size_t table_end(struct table **t);
