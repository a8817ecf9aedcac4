/* Figures of a plan; see plan.h. */
#include "limits/plan.h"

#define STANDARD_FIGURES                                                     \
	.day_per_licence = 130, .day_cap = 4600000, .peak_per_licence = 9,   \
	.peak_cap = 319444, .user_messages = 10000,                          \
	.user_unique_per_licence = 130, .unpaid_day = 100,                   \
	.unpaid_peak = 50, .null_least = 50, .null_percent = 2

const struct plan PLAN_STANDARD = { .relay = true, STANDARD_FIGURES };
const struct plan PLAN_WITHOUT_RELAY = { .relay = false, STANDARD_FIGURES };

struct plan plan_standard(void)
{
	return PLAN_STANDARD;
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t null_part(const struct plan *p, uint64_t limit)
{
	uint64_t part = times(limit / 100, p->null_percent) +
			times(limit % 100, p->null_percent) / 100;
	return part > p->null_least ? part : p->null_least;
}

struct allowance plan_allowance(const struct plan *p, uint32_t licences,
				bool paid)
{
	struct allowance a = {
		.customer_day = at_most(times(p->day_per_licence, licences),
					p->day_cap),
		.customer_peak = at_most(times(p->peak_per_licence, licences),
					 p->peak_cap),
		.user_messages = p->user_messages,
		.user_unique = times(p->user_unique_per_licence, licences),
	};
	if (p->user_messages_per_licence != 0)
		a.user_messages = at_most(
			times(p->user_messages_per_licence, licences),
			p->user_messages);
	if (!paid) {
		a.customer_day = at_most(a.customer_day, p->unpaid_day);
		a.customer_peak = at_most(a.customer_peak, p->unpaid_peak);
	}
	a.null_day = null_part(p, a.customer_day);
	a.null_peak = null_part(p, a.customer_peak);
	return a;
}
