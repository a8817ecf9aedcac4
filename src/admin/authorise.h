/*
 * Who may make which call on what (SPEC 12.3): the one place where roles mean
 * something. Pure: no store, no call; what is judged has been looked up.
 *
 * Two questions. May somebody of this role make the call at all
 * (authorise_call)? The answer is the same whatever the call is about. And
 * does this customer, this user, exist for the caller (authorise_sees)? If
 * not, it is answered like one that is not there, so that nobody learns
 * another customer's names by asking.
 *
 * docs/why/roles.md has the reasons; calls.def says which right a call
 * needs, and tests/unit/admin/test_matrix.c makes every call as everybody.
 */
#pragma once

#include "policy/view.h"

enum caller_role {
	CALLER_USER,			/* no administrator: nothing */
	CALLER_AUDITOR,
	CALLER_UNIT_ADMIN,
	CALLER_SUPER_ADMIN,
	CALLER_OPERATOR,
	CALLER_ROLE_COUNT,
};

/* Zeroed: nobody. Slices lend from whoever filled it. */
struct caller {
	enum caller_role role;
	uint32_t customer;		/* 0: of none (operator) */
	slice address;			/* of the person, or empty */
	slice org_unit;			/* of a unit admin */
	uint32_t scopes;		/* RIGHT_BIT of each right that the
					 * way he came leaves him: all, but of
					 * API tokens */
};

enum right {
	RIGHT_OPERATE,			/* the service: the operator's */
	RIGHT_LOOK,			/* unit admins: at their unit's */
	RIGHT_CHANGE_SETTINGS,		/* and all that is the customer's: the
					 * top-level organisation's (3.1) */
	RIGHT_CHANGE_USERS,		/* unit admins: those of their unit */
	RIGHT_CHANGE_QUEUE,
	RIGHT_OWN,			/* the own account: sessions, factors,
					 * API tokens */
	RIGHT_LET_IN,			/* others who sign in: links, resets */
	RIGHT_LOOK_SERVICE,		/* at what is no customer's: the
					 * operator's */
	RIGHT_COUNT,
};
enum {
	RIGHTS_ALL = (1 << RIGHT_COUNT) - 1,
	/* What nobody does by an API token: it would outlive its end. */
	RIGHTS_IN_PERSON = 1 << RIGHT_OWN | 1 << RIGHT_LET_IN,
};
#define RIGHT_BIT(right) (1u << (right))

/* "super-admin"; lends a literal. */
slice caller_role_name(enum caller_role role);
/* Of a user of a customer. */
enum caller_role caller_role_of(enum role role);

enum authorise_verdict {
	AUTHORISE_MAY,
	AUTHORISE_NOT,
	AUTHORISE_ASK,			/* not: ask a super admin, by name */
};
enum authorise_verdict authorise_call(enum caller_role role,
				      enum right right);

/* The unit itself, or one below it. An empty unit holds nothing. */
bool authorise_unit_holds(slice unit, slice other);
/* Is something of this customer there for the caller? customer 0 is of
 * none: the operator's. */
bool authorise_sees(const struct caller *c, uint32_t customer);
/* And a user of it, in this org unit (empty: at the top), or what is the
 * user's: app passwords, mail. */
bool authorise_sees_user(const struct caller *c, uint32_t customer,
			 slice org_unit);
/* May the caller change a user, or app passwords of one, who is there for him
 * and has this role? Who looks after the whole customer is not a unit
 * admin's, though he stands in the unit: with a new app password of his one
 * would send as him. */
bool authorise_changes_user(const struct caller *c, enum role role);
