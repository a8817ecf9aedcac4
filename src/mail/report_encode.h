/*
 * Text as it may stand in a message: cleaned, folded, encoded. For what
 * Postrider writes itself: reports (mail/report), notices (accept/notice).
 */
#pragma once

#include "base/buf.h"

enum { REPORT_FOLD = 76, REPORT_LINE_MAX = 998 };

/* For a structured field of ASCII: line ends become spaces, controls and
 * 8-bit '?'; cut at max. */
void report_clean_ascii(struct buf *out, slice s, size_t max);
/* For the words: valid UTF-8 stays, all else and controls become '?'. */
void report_clean_utf8(struct buf *out, slice s, size_t max);
/* "Name: value" folded at spaces, hard at 998, and CRLF. Value is clean. */
void report_field(struct buf *out, const char *name, slice value);
/* RFC 2047 for what is not ASCII, CRLF SP between the words. */
void report_encoded_words(struct buf *out, slice utf8);
void report_base64(struct buf *out, slice s);
/* RFC 2045 6.7; LF, CR and CRLF are line ends. */
void report_quoted_printable(struct buf *out, slice s);
/* '\n' → CRLF. */
void report_crlf(struct buf *out, slice s);
