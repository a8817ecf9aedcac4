/* See openapi.h. */
#include "console/openapi.h"
void openapi_write(struct buf *out) { buf_append(out, SLICE("{}")); }
