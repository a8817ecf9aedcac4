/* What MAIL asks: may the user send one message more; see ledger.h. */
#include "limits/ledger_private.h"

bool ledger_message_fits(struct ledger *l, uint32_t customer, uint32_t user,
			 const struct allowance *allowed, int64_t now_ms,
			 struct ledger_refusal *why)
{
	invariant(customer != 0 && user != 0);
	struct stripe *s = stripe_enter(l, customer, now_ms);
	/* And what the first RCPT will look at. */
	stripe_prefetch(s, customer, user, 0);
	const struct customer_counts *c = customer_find(s, customer);
	const struct user_counts *u = user_find(s, customer, user);
	uint64_t taken = u ? u->messages.used + u->reserved : 0;
	*why = (struct ledger_refusal){ .verdict = LEDGER_OK };
	if (taken >= allowed->user_messages) {
		why->verdict = LEDGER_USER_MESSAGES;
		why->limit = allowed->user_messages;
		if (u != NULL)
			refusal_fill(s, c, u, allowed, why);
	}
	stripe_leave(l, s);
	return why->verdict == LEDGER_OK;
}
