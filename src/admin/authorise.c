/* See authorise.h. */
#include "admin/authorise.h"

#include "base/check.h"

slice caller_role_name(enum caller_role role)
{
	static const char *const names[CALLER_ROLE_COUNT] = {
		[CALLER_USER] = "user",
		[CALLER_AUDITOR] = "auditor",
		[CALLER_UNIT_ADMIN] = "unit-admin",
		[CALLER_SUPER_ADMIN] = "super-admin",
		[CALLER_OPERATOR] = "operator",
	};
	invariant(role < CALLER_ROLE_COUNT);
	return slice_of(names[role]);
}

enum caller_role caller_role_of(enum role role)
{
	switch (role) {
	case ROLE_USER:
		return CALLER_USER;
	case ROLE_AUDITOR:
		return CALLER_AUDITOR;
	case ROLE_UNIT_ADMIN:
		return CALLER_UNIT_ADMIN;
	case ROLE_SUPER_ADMIN:
		return CALLER_SUPER_ADMIN;
	}
	return CALLER_USER;
}

enum authorise_verdict authorise_call(enum caller_role role, enum right right)
{
	enum { NOT = AUTHORISE_NOT, MAY = AUTHORISE_MAY, ASK = AUTHORISE_ASK };
	static const uint8_t table[RIGHT_COUNT][CALLER_ROLE_COUNT] = {
		/* user, auditor, unit admin, super admin, operator */
		[RIGHT_OPERATE] = { NOT, NOT, NOT, NOT, MAY },
		[RIGHT_LOOK] = { NOT, MAY, MAY, MAY, MAY },
		[RIGHT_CHANGE_SETTINGS] = { NOT, NOT, ASK, MAY, MAY },
		[RIGHT_CHANGE_USERS] = { NOT, NOT, MAY, MAY, MAY },
		[RIGHT_CHANGE_QUEUE] = { NOT, NOT, ASK, MAY, MAY },
		[RIGHT_OWN] = { NOT, MAY, MAY, MAY, MAY },
		[RIGHT_LET_IN] = { NOT, NOT, ASK, MAY, MAY },
		[RIGHT_LOOK_SERVICE] = { NOT, NOT, NOT, NOT, MAY },
	};
	invariant(role < CALLER_ROLE_COUNT && right < RIGHT_COUNT);
	return (enum authorise_verdict)table[right][role];
}

bool authorise_unit_holds(slice unit, slice other)
{
	return unit.n > 0 && slice_starts(other, unit) &&
	       (other.n == unit.n || other.p[unit.n] == '/');
}

bool authorise_sees(const struct caller *c, uint32_t customer)
{
	switch (c->role) {
	case CALLER_OPERATOR:
		return true;
	case CALLER_SUPER_ADMIN:
	case CALLER_UNIT_ADMIN:
	case CALLER_AUDITOR:
		invariant(c->customer != 0);
		return customer == c->customer;
	case CALLER_USER:
	case CALLER_ROLE_COUNT:
		break;
	}
	return false;
}

bool authorise_sees_user(const struct caller *c, uint32_t customer,
			 slice org_unit)
{
	return authorise_sees(c, customer) &&
	       (c->role != CALLER_UNIT_ADMIN ||
		authorise_unit_holds(c->org_unit, org_unit));
}

bool authorise_changes_user(const struct caller *c, enum role role)
{
	return c->role != CALLER_UNIT_ADMIN ||
	       (role != ROLE_SUPER_ADMIN && role != ROLE_AUDITOR);
}
