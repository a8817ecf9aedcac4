/* One event, one line; see log.h. */
#include "base/log.h"

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info",
	[LOG_WARNING] = "warning", [LOG_ERROR] = "error",
	[LOG_ALARM] = "alarm",
};

/* How a line ends, cut or whole. */
#define WHOLE_END "}\n"
#define CUT_END ",\"cut\":true}\n"

static size_t line_max(const struct log *log)
{
	size_t max = log->line_max > 0 ? log->line_max : LOG_LINE_MAX;
	invariant(max > sizeof(CUT_END));
	return max;
}

/* Threads that meet at the turn of a second may let a few lines more pass. */
static bool has_room(struct log *log, int64_t now_ms)
{
	int64_t second = now_ms / 1000;
	if (atomic_exchange_explicit(&log->second, second,
				     memory_order_relaxed) != second)
		atomic_store_explicit(&log->in_second, 0,
				      memory_order_relaxed);
	if (atomic_fetch_add_explicit(&log->in_second, 1,
				      memory_order_relaxed) <
	    LOG_LINES_A_SECOND)
		return true;
	atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
	return false;
}

void log_begin(struct log_event *e, struct log *log, enum log_level level,
	       const char *event)
{
	invariant(level < ARRAY_LEN(level_names));
	e->log = log;
	e->wanted = log != NULL && log->write != NULL && level >= log->level;
	int64_t now_ms = e->wanted ? log->wall_ms(log->ctx) : 0;
	if (e->wanted)
		e->wanted = has_room(log, now_ms);
	/* Of an event that nobody wants no byte is kept. */
	buf_init(&e->line, e->wanted ? line_max(log) - sizeof(CUT_END) : 0);
	json_init(&e->json, &e->line);
	e->json.string_max = LOG_STRING_MAX;
	json_object_begin(&e->json);
	if (!e->wanted)
		return;
	json_key(&e->json, "at");
	json_time_ms(&e->json, now_ms);
	json_member_cstr(&e->json, "level", level_names[level]);
	if (log->role != NULL)
		json_member_cstr(&e->json, "role", log->role);
	json_member_cstr(&e->json, "event", event);
}

void log_err(struct log_event *e, const struct err *err)
{
	struct json *j = &e->json;
	json_member_cstr(j, "kind", err_kind_name(err->kind));
	json_member_cstr(j, "scope", err_scope_name(err->scope));
	if (err->where != NULL)
		json_member_cstr(j, "where", err->where);
	if (err->text[0] != '\0')
		json_member_cstr(j, "text", err->text);
	if (err->detail[0] != '\0')
		json_member_cstr(j, "detail", err->detail);
	if (err->code != 0)
		json_member_u64(j, "code", (uint64_t)err->code);
	if (err->os_error != 0)
		json_member_u64(j, "errno", (uint64_t)err->os_error);
}

/* Where the last whole member of the outer object ends in a line that broke
 * off anywhere. The text is ours: well-formed up to the break. */
static size_t last_whole_member(slice line)
{
	size_t end = 0;
	unsigned depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']'))
			depth--;
		else if (!quoted && c == ',' && depth == 1)
			end = i;
	}
	return end;
}

static bool finish_line(struct log_event *e)
{
	struct buf *line = &e->line;
	bool cut = line->failed;
	line->max = line_max(e->log);
	if (cut) {
		line->n = last_whole_member(buf_slice(line));
		line->failed = false;
	}
	if (line->n == 0)
		return false;
	buf_append(line, cut ? SLICE(CUT_END) : SLICE(WHOLE_END));
	return !line->failed;
}

void log_end(struct log_event *e)
{
	invariant(!e->wanted || e->json.depth == 1);
	if (e->wanted && (!finish_line(e) ||
			  !e->log->write(e->log->ctx, buf_slice(&e->line))))
		atomic_fetch_add_explicit(&e->log->lost, 1,
					  memory_order_relaxed);
	buf_fini(&e->line);
}

void log_failure(struct log *log, enum log_level level, const char *event,
		 const struct err *err)
{
	struct log_event e;
	log_begin(&e, log, level, event);
	log_err(&e, err);
	log_end(&e);
}
