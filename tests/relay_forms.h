/*
 * Forty ways to ask for relaying that is not due (RELIABILITY 2.5). Each is
 * tried by a stranger, by a stranger who names a customer in EHLO, from a
 * listed address with a sender that is not allowed, and after a failed AUTH:
 * never a 354, never a message.
 *
 * Placeholders in the lines: {R} a foreign domain, {L} our own name, {I} our
 * own address, {V} a domain of a customer that is hosted here, {U} the same
 * with a look-alike letter. Lines get CRLF behind them; a form is over at
 * the first NULL.
 */
#pragma once

#include <stddef.h>

enum { RELAY_FORM_LINES = 6 };

enum relay_form_kind {
	RELAY_LINES,		/* lock step or pipelined, as the test likes */
	RELAY_FIRST,		/* the first line stands before EHLO */
	RELAY_PIPELINED,	/* all in one segment */
	RELAY_BDAT,		/* BDAT with a commanding payload, pipelined */
	RELAY_CERTIFICATE,	/* with a self-signed client certificate whose
				 * name is {V} */
};

struct relay_form {
	int number;
	enum relay_form_kind kind;
	const char *lines[RELAY_FORM_LINES];
};

#define RELAY_FORM(number, sender, recipient) \
	{ number, RELAY_LINES, { "MAIL FROM:" sender, "RCPT TO:" recipient, \
				 "DATA" } }

static const struct relay_form relay_forms[] = {
	RELAY_FORM(1, "<>", "<r@{R}>"),
	RELAY_FORM(2, "<f@{R}>", "<r@{R}>"),
	RELAY_FORM(3, "<f@{L}>", "<r@{R}>"),
	RELAY_FORM(4, "<f@[{I}]>", "<r@{R}>"),
	RELAY_FORM(5, "<f@[{I}]>", "<r%{R}@[{I}]>"),
	RELAY_FORM(6, "<f@[{I}]>", "<r%{R}@{L}>"),
	RELAY_FORM(7, "<f@[{I}]>", "<\"r@{R}\">"),
	RELAY_FORM(8, "<f@[{I}]>", "<\"r%{R}\">"),
	RELAY_FORM(9, "<f@[{I}]>", "<r@{R}@[{I}]>"),
	RELAY_FORM(10, "<f@[{I}]>", "<\"r@{R}\"@[{I}]>"),
	RELAY_FORM(11, "<f@[{I}]>", "<r@{R}@{L}>"),
	RELAY_FORM(12, "<f@[{I}]>", "<@[{I}]:r@{R}>"),
	RELAY_FORM(13, "<f@[{I}]>", "<@{L}:r@{R}>"),
	RELAY_FORM(14, "<f@[{I}]>", "<{R}!r>"),
	RELAY_FORM(15, "<f@[{I}]>", "<{R}!r@[{I}]>"),
	RELAY_FORM(16, "<f@[{I}]>", "<{R}!r@{L}>"),
	RELAY_FORM(17, "<x@localhost>", "<r@{R}>"),
	RELAY_FORM(18, "<x>", "<r@{R}>"),
	RELAY_FORM(19, "<x@{V}>", "<r@{R}>"),
	RELAY_FORM(20, "<postmaster@{V}>", "<r@{R}>"),
	RELAY_FORM(21, "<x@sub.{V}>", "<r@{R}>"),
	RELAY_FORM(22, "<x@{V}.>", "<r@{R}>"),
	RELAY_FORM(23, "<x@{V}@{R}>", "<r@{R}>"),
	RELAY_FORM(24, "<\"x@{V}\"@{R}>", "<r@{R}>"),
	RELAY_FORM(25, "<x%{V}@{R}>", "<r@{R}>"),
	RELAY_FORM(26, "<@{V}:x@{R}>", "<r@{R}>"),
	RELAY_FORM(27, "<x@{U}> SMTPUTF8", "<r@{R}>"),
	RELAY_FORM(28, "<x@{V}> AUTH=<x@{V}>", "<r@{R}>"),
	RELAY_FORM(29, "<x@{V}> SIZE=18446744073709551617", "<r@{R}>"),
	{ 30, RELAY_LINES, { "MAIL FROM:<x@{V}>", "RCPT TO:<r@{V}>",
			     "RCPT TO:<r@{R}>", "DATA" } },
	RELAY_FORM(31, "<x@{V}>", "<@{V},@{L}:r@{R}>"),
	RELAY_FORM(32, "<x@{V}>", "<r@[203.0.113.9]>"),
	RELAY_FORM(33, "<x@{V}>", "<r@{R}.>"),
	RELAY_FORM(34, "<x@{V}>", "r@{R}"),
	RELAY_FORM(35, "<x@{V}>", "<r@{V}>,<r@{R}>"),
	{ 36, RELAY_LINES, { "XCLIENT ADDR=127.0.0.1 NAME=localhost",
			     "XFORWARD ADDR=127.0.0.1", "MAIL FROM:<x@{V}>",
			     "RCPT TO:<r@{R}>", "DATA" } },
	{ 37, RELAY_FIRST, { "PROXY TCP4 127.0.0.1 {I} 4000 25",
			     "MAIL FROM:<x@{V}>", "RCPT TO:<r@{R}>", "DATA" } },
	{ 38, RELAY_CERTIFICATE, { "MAIL FROM:<x@{V}>", "RCPT TO:<r@{R}>",
				   "DATA" } },
	{ 39, RELAY_PIPELINED, { "MAIL FROM:<x@{V}> AUTH=<>",
				 "RCPT TO:<r@{R}>", "DATA" } },
	{ 40, RELAY_BDAT, { "MAIL FROM:<x@{V}>", "RCPT TO:<r@{R}>",
			    "BDAT 26 LAST", "Subject: x\r\n\r\nDATA\r\n.\r\n."
			    } },
};
