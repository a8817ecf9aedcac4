/*
 * The OpenAPI 3.1 document: made of api.def, api_args.def and api_rows.def,
 * so it says what is served. Pure.
 */
#pragma once

#include "base/buf.h"

enum { OPENAPI_MAX = 1048576 };
/* out->failed tells of overflow. */
void openapi_write(struct buf *out);
