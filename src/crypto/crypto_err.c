/* OpenSSL's error queue as one struct err. */
#include "crypto/crypto_private.h"

#include <openssl/err.h>

bool crypto_err(struct err *err, enum err_kind kind, enum err_scope scope,
		const char *where, const char *what)
{
	/* The first error is the cause, later ones are its echo. */
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	ERR_clear_error();
	if (code != 0 && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		return err_set_memory(err, where);
	if (reason == NULL)
		return err_set(err, kind, scope, where, "%s", what);
	err_set(err, kind, scope, where, "%s: %s", what, reason);
	return err_detail(err, "%s: %s (OpenSSL %08lx)", what, reason, code);
}
