/* See err_words.h. */
#include "app/err_words.h"

#include <errno.h>

#include "wire/say.h"

static const struct text texts[ERR_SAY_COUNT] = {
#define TEXT(id, en, ja) [ERR_SAY_##id] = { en, ja },
#include "app/err_text.def"
#undef TEXT
};

const struct text *err_text(enum err_text id)
{
	invariant(id < ERR_SAY_COUNT);
	return &texts[id];
}

/* Those that a shell meets; the others stay in the system's words. */
static const struct {
	int os_error;
	const char *ja;
} reasons[] = {
	{ ENOENT, "そのようなファイルやフォルダーはありません" },
	{ EACCES, "アクセス権がありません" },
	{ EPERM, "許可されていない操作です" },
	{ EEXIST, "すでに存在します" },
	{ EISDIR, "フォルダーです" },
	{ ENOTDIR, "フォルダーではありません" },
	{ ENOTEMPTY, "フォルダーが空ではありません" },
	{ ELOOP, "シンボリック リンクは使えません" },
	{ ENAMETOOLONG, "名前が長すぎます" },
	{ ENOSPC, "ディスクに空きがありません" },
	{ EDQUOT, "ディスクの割り当てを超えています" },
	{ EROFS, "読み取り専用のファイル システムです" },
	{ EIO, "ディスクの入出力エラーです" },
	{ EMFILE, "開いているファイルが多すぎます" },
	{ ENFILE, "システム全体で開いているファイルが多すぎます" },
	{ ENOMEM, "メモリーが足りません" },
	{ EADDRINUSE, "このアドレスとポートはすでに使われています" },
	{ EADDRNOTAVAIL, "このマシンにそのアドレスはありません" },
	{ EAFNOSUPPORT, "このアドレスの種類は使えません" },
	{ ECONNREFUSED, "接続を拒否されました" },
	{ ETXTBSY, "プログラムは使用中です" },
};

static const char *reason_in_japanese(int os_error)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].os_error == os_error)
			return reasons[i].ja;
	return NULL;
}

/* --- finding a row by its words ------------------------------------------- */

enum { ARGUMENTS_MAX = 3 };

/* "{n}" at the front of p. */
static bool is_place(slice p, size_t *n)
{
	bool is = p.n >= 3 && p.p[0] == '{' && p.p[2] == '}' &&
		  p.p[1] >= '0' && p.p[1] < '0' + ARGUMENTS_MAX;
	if (is)
		*n = (size_t)(p.p[1] - '0');
	return is;
}

/* Does text look like the pattern, and what stands at its places? A place
 * ends where the words behind it come first, the last one with the text. */
static bool matches(const char *pattern, slice text, slice *args)
{
	slice p = slice_of(pattern);
	size_t n;
	while (p.n > 0) {
		if (!is_place(p, &n)) {
			if (text.n == 0 || text.p[0] != p.p[0])
				return false;
			p = slice_skip(p, 1);
			text = slice_skip(text, 1);
			continue;
		}
		p = slice_skip(p, 3);
		slice words = slice_sub(p, 0, slice_find(p, '{'));
		size_t length = words.n == 0 ? text.n
			      : slice_find_slice(text, words);
		/* Nothing comes behind the last words. */
		if (words.n == p.n && words.n > 0)
			length = text.n >= words.n ? text.n - words.n : 0;
		args[n] = slice_sub(text, 0, length);
		text = slice_skip(text, length);
	}
	return text.n == 0;
}

static bool append_row(struct buf *out, slice english)
{
	for (enum err_text i = 0; i < ERR_SAY_COUNT; i++) {
		slice args[ARGUMENTS_MAX] = { 0 };
		if (!matches(texts[i].en, english, args))
			continue;
		say(out, &texts[i], LANGUAGE_JA, args, ARGUMENTS_MAX);
		return true;
	}
	return false;
}

/* A library's reason may stand behind our words: it stays as it is. */
static void append_japanese(struct buf *out, slice english)
{
	size_t at = slice_find_slice(english, SLICE(": "));
	if (append_row(out, english))
		return;
	if (append_row(out, slice_sub(english, 0, at)))
		say_plain(out, slice_skip(english, at));
	else
		say_plain(out, english);
}

/* --- the whole ------------------------------------------------------------ */

/* "open /x: No such file or directory": what was done stays, the reason is
 * said in Japanese. */
static void append_system(struct buf *out, const struct err *err)
{
	slice detail = slice_of(err->detail[0] ? err->detail : err->text);
	const char *english = strerrordesc_np(err->os_error);
	const char *ja = reason_in_japanese(err->os_error);
	slice reason = slice_of(english ? english : "unknown");
	if (ja == NULL ||
	    (detail.n > 0 && !slice_ends_fold(detail, reason) &&
	     slice_find_slice(detail, SLICE(": ")) < detail.n)) {
		append_japanese(out, detail);
		return;
	}
	if (slice_ends_fold(detail, reason))
		detail = slice_sub(detail, 0, detail.n - reason.n);
	say_plain(out, detail);
	if (detail.n > 0 && detail.p[detail.n - 1] != ' ')
		buf_append(out, SLICE(": "));
	buf_append(out, slice_of(ja));
}

void err_words(struct buf *out, const struct err *err, enum language language)
{
	slice text = slice_of(err->text), detail = slice_of(err->detail);
	if (language == LANGUAGE_JA && err->os_error != 0) {
		append_system(out, err);
		return;
	}
	if (language == LANGUAGE_JA)
		append_japanese(out, text);
	else
		say_plain(out, text);
	if (detail.n == 0)
		return;
	if (text.n > 0)
		buf_append(out, SLICE(": "));
	if (language == LANGUAGE_JA)
		append_japanese(out, detail);
	else
		say_plain(out, detail);
}

void err_line_words(struct buf *out, slice line, enum language language)
{
	if (language != LANGUAGE_JA || !append_row(out, line))
		buf_append(out, line);
}
