/* What the writer and the reader of changes share; docs/formats/view.md has
 * the tables. Private to src/policy. */
#pragma once

#include "policy/change.h"

/* Magic "PRvc". */
enum { CHANGE_MAGIC = 0x63765250 };
enum { CHANGE_FLAG_LAST = 1 };
/* Offsets in the header. */
enum {
	CHANGE_AT_MAGIC = 0,
	CHANGE_AT_VERSION = 4,
	CHANGE_AT_FLAGS = 5,
	CHANGE_AT_RESERVED = 6,
	CHANGE_AT_LENGTH = 8,
	CHANGE_AT_CHECKSUM = 12,
	CHANGE_AT_REVISION = 16,
};

enum change_record {
	RECORD_PUT_CUSTOMER = 1,
	RECORD_PUT_SETTING = 2,
	RECORD_PUT_ENTRY = 3,
	RECORD_PUT_DOMAIN = 4,
	RECORD_PUT_USER = 5,
	RECORD_PUT_APP_PASSWORD = 6,
	RECORD_PUT_PLAN = 7,
	RECORD_REMOVE_CUSTOMER = 17,
	RECORD_REMOVE_SETTING = 18,
	RECORD_REMOVE_ENTRY = 19,
	RECORD_REMOVE_DOMAIN = 20,
	RECORD_REMOVE_USER = 21,
	RECORD_REMOVE_APP_PASSWORD = 22,
	RECORD_REMOVE_PLAN = 23,
};

/* Bits of rows. */
enum {
	CUSTOMER_SUSPENDED = 1,
	CUSTOMER_CLOSING = 2,
	CUSTOMER_RELAY_IN_PLAN = 4,	/* only without CUSTOMER_HAS_PLAN */
	CUSTOMER_ALLOW_PRIVATE = 8,
	CUSTOMER_NULL_SENDER_MANY = 16,
	CUSTOMER_SENDER_MUST_MATCH = 32,
	CUSTOMER_HAS_PLAN = 64,		/* its id ends the row */
	CUSTOMER_BITS = 127,
	SETTING_IP_ONLY = 1,
	SETTING_REQUIRE_AUTH = 2,
	SETTING_REQUIRE_TLS = 4,
	SETTING_ENABLED = 8,
	SETTING_BITS = 15,
	ENTRY_ENABLED = 1,
	ENTRY_INERT = 2,
	ENTRY_LEGACY_TLS = 4,		/* a day follows the description */
	ENTRY_BITS = 7,
	PLAN_RELAY = 1,
	DOMAIN_VERIFIED = 1,
	USER_SUSPENDED = 1,
	APP_PASSWORD_HAS_RANGE = 1,
	APP_PASSWORD_HAS_SCRAM = 2,	/* salt and keys follow the row */
	APP_PASSWORD_BITS = 3,
};

/* The figures of a plan in the order in which they are written; new ones
 * come at the end, and a row of before has those of the standard plan. */
#define PLAN_FIGURES(FIGURE)                                                 \
	FIGURE(day_per_licence) FIGURE(day_cap)                              \
	FIGURE(peak_per_licence) FIGURE(peak_cap)                            \
	FIGURE(user_messages) FIGURE(user_messages_per_licence)              \
	FIGURE(user_unique_per_licence)                                      \
	FIGURE(unpaid_day) FIGURE(unpaid_peak)                               \
	FIGURE(null_least) FIGURE(null_percent)
#define PLAN_COUNT_ONE(name) +1
enum { PLAN_FIGURE_COUNT = 0 PLAN_FIGURES(PLAN_COUNT_ONE) };

/* Over the header without the checksum itself, and what follows it. `bytes`
 * has a whole header. */
uint32_t change_checksum(slice bytes);
