/* Relay's time; see relay_clock.h. */
#include "app/relay_clock.h"

#include "os/clock.h"
#include "spool/spool.h"

/* From what is noted the week is measured that a machine may be off. While the
 * clocks differ the next process begins with it, if no frame is newer. */
static const int64_t NOTE_EVERY_NS = INT64_C(3600000) * MS;
static const int64_t NOTE_OFTEN_NS = INT64_C(60000) * MS;
static const int64_t NOTE_AGAIN_NS = INT64_C(60000) * MS;

bool relay_clock_begin(struct relay_clock *c, int spool_dir, int journal_dir,
		       struct log *log, struct err *err)
{
	struct spool_clock known;
	*c = (struct relay_clock){ .spool_dir = spool_dir, .log = log };
	if (!spool_clock_read(spool_dir, &known, err) ||
	    (known.last_ms == 0 &&
	     !journal_last_ms(journal_dir, &known.last_ms, err)))
		return false;
	c->noted = (enum clock_mark)known.mark;
	os_wall_begin(clock_watch_begin(&c->watch, known.last_ms, c->noted,
					os_system_wall_ms()));
	return true;
}

/* --- telling -------------------------------------------------------------- */

static void put_times(struct json *j, const struct relay_clock *c,
		      int64_t own_ms)
{
	json_member_cstr(j, "state", clock_state_name(c->watch.state));
	json_key(j, "own");
	json_time_ms(j, own_ms);
	json_key(j, "system");
	json_time_ms(j, os_system_wall_ms());
	json_key(j, "offset_ms");
	json_i64(j, c->watch.offset_ms);
}

/* True: it is an alarm. */
static bool tell(struct relay_clock *c, struct journal *journal)
{
	static const char *const events[CLOCK_STATES] = {
		[CLOCK_FINE] = "clock.fine", [CLOCK_AHEAD] = "clock.ahead",
		[CLOCK_DOUBTFUL] = "clock.doubtful",
		[CLOCK_BEHIND] = "clock.behind", [CLOCK_SLOW] = "clock.slow",
	};
	enum clock_state state = c->watch.state;
	bool is_well = state == CLOCK_FINE || state == CLOCK_SLOW;
	int64_t own_ms = os_wall_ms();
	struct log_event e;
	struct journal_event j;
	log_begin(&e, c->log, is_well ? LOG_INFO : LOG_ALARM, events[state]);
	put_times(&e.json, c, own_ms);
	log_end(&e);
	journal_begin(&j, journal, "clock", own_ms);
	put_times(&j.json, c, own_ms);
	journal_end(&j, JOURNAL_KEEP, 0);
	return !is_well;
}

/* --- noting --------------------------------------------------------------- */

static bool note(struct relay_clock *c, int64_t last_ms, enum clock_mark mark,
		 struct err *err)
{
	struct spool_clock noted = { .last_ms = last_ms,
				     .mark = (uint32_t)mark };
	if (!spool_clock_write(c->spool_dir, &noted, err))
		return false;
	c->noted = mark;
	c->note_at_ns = os_monotonic_ns() + (c->watch.state == CLOCK_FINE
						? NOTE_EVERY_NS
						: NOTE_OFTEN_NS);
	c->is_failing = false;
	return true;
}

static void note_when_due(struct relay_clock *c)
{
	struct err err;
	enum clock_mark mark = clock_watch_mark(&c->watch);
	bool is_due = os_monotonic_ns() >= c->note_at_ns;
	if ((mark == c->noted && !is_due) || (c->is_failing && !is_due) ||
	    note(c, os_wall_ms(), mark, &err))
		return;
	if (!c->is_failing)
		log_failure(c->log, LOG_WARNING, "clock.not_noted", &err);
	c->is_failing = true;
	c->note_at_ns = os_monotonic_ns() + NOTE_AGAIN_NS;
}

/* --- looking and accepting ------------------------------------------------ */

/* Half of what went by since the last look. */
static int64_t half_pace_ms(const struct relay_clock *c, int64_t now_ns)
{
	return c->looked_ns == 0 ? 0 : (now_ns - c->looked_ns) / 2 / MS;
}

static void act_on(struct relay_clock *c, enum clock_act act)
{
	int64_t now_ns = os_monotonic_ns();
	switch (act) {
	case CLOCK_GO_ON:
		break;
	case CLOCK_TAKE:
		os_wall_follow(0);
		break;
	case CLOCK_GO_SLOWLY:
		os_wall_follow(half_pace_ms(c, now_ns));
		break;
	case CLOCK_RUN_ON:
		os_wall_begin(os_wall_ms());
		break;
	}
	c->looked_ns = now_ns;
}

bool relay_clock_look(struct relay_clock *c, struct journal *journal)
{
	bool is_alarm = false;
	act_on(c, clock_watch_look(&c->watch, os_wall_ms(),
				   os_system_wall_ms()));
	if (clock_watch_tells(&c->watch))
		is_alarm = tell(c, journal);
	note_when_due(c);
	return is_alarm;
}

bool relay_clock_accept(struct relay_clock *c, struct journal *journal,
			bool *changed, struct err *err)
{
	int64_t own_ms = os_wall_ms(), system_ms = os_system_wall_ms();
	struct clock_watch next = c->watch;
	enum clock_act act = clock_watch_accept(&next, own_ms, system_ms);
	*changed = act != CLOCK_GO_ON;
	if (*changed && !note(c, system_ms > own_ms ? system_ms : own_ms,
			      clock_watch_mark(&next), err))
		return false;
	c->watch = next;
	act_on(c, act);
	if (clock_watch_tells(&c->watch))
		(void)tell(c, journal);
	return true;
}

void relay_clock_count(const struct relay_clock *c, struct counters *to)
{
	int64_t offset_s = c->watch.offset_ms / 1000;
	counter_set(to, COUNTER_clock_ahead_seconds,
		    offset_s > 0 ? (uint64_t)offset_s : 0);
	counter_set(to, COUNTER_clock_behind_seconds,
		    offset_s < 0 ? (uint64_t)-offset_s : 0);
	counter_set(to, COUNTER_clock_doubtful,
		    c->watch.state == CLOCK_DOUBTFUL);
}
