/*
 * What a next host's reply means, for people (design/console, section 5): a
 * class with a sentence in the console. By enhanced code (RFC 3463), then
 * code, then words that hosts are known to use; also what we say ourselves
 * when no host could be asked. Pure.
 */
#pragma once

#include "base/slice.h"

/* "no_mailbox", "no_domain", "mailbox_full", "busy", "greylisting", "spam",
 * "unauthenticated", "too_big", "no_connection", "tls_unproven", or NULL:
 * unknown, only the words count. reply: "550 5.1.1 no such user", or our own
 * words without a code. */
const char *reply_meaning(slice reply);
