/*
 * The commands of a transaction as a client writes them, with the parameters
 * that the peer offers (RFC 1870, 6152, 6531, 3030, 3461).
 */
#pragma once

#include "smtp/client.h"

/* Appends one command with CRLF. The envelope was found clean by
 * smtp_transaction_refusal. */
void smtp_command_mail(struct buf *out, const struct smtp_transaction *t,
		       const struct smtp_extensions *e);
void smtp_command_rcpt(struct buf *out, const struct recipient *r,
		       const struct smtp_transaction *t,
		       const struct smtp_extensions *e);

/* Why the peer can't take this transaction, or NULL. Static. */
struct smtp_refusal {
	uint16_t code;
	uint8_t enhanced[3];
	const char *text;
};
const struct smtp_refusal *smtp_transaction_refusal(
	const struct smtp_transaction *t, const struct smtp_extensions *e);

/* The refusal of a body with CR or LF outside CRLF (5.6.11). */
const struct smtp_refusal *smtp_refusal_bare_line_end(void);

/* The body goes by BDAT. */
bool smtp_transaction_by_bdat(const struct smtp_transaction *t,
			      const struct smtp_extensions *e);
