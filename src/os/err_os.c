/* errno as a struct err; see os_private.h. */
#include "os/os_private.h"

#include <string.h>

bool os_err(struct err *err, int os_error, const char *where,
	    const char *operation, const char *name)
{
	const char *reason = strerrordesc_np(os_error);
	err_set_os(err, os_error, where, operation);
	return err_detail(err, "%s %s: %s", operation, name,
			  reason ? reason : "unknown");
}
