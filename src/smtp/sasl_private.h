/* What the files of the SASL server share. */
#pragma once

#include "smtp/sasl_server.h"

/* Decodes into texts[i], used once; the slice lends from there. */
enum sasl_result sasl_decode(struct sasl_server *s, enum sasl_text_kind i,
			     slice base64, slice *out);
/* No NUL and no line end. */
bool sasl_clean(slice s);

/* --- sasl_scram.c */
enum sasl_result sasl_scram_step(struct sasl_server *s, slice base64);
void sasl_scram_fini(struct sasl_scram *scram);
