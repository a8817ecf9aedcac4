/* How a value stands in a line of each kind of file, so that a password with
 * quotes, backslashes, colons or dollar signs comes out as it was. The data
 * writes the placeholder where the value belongs, with the quotes that its
 * syntax needs; what stands between them is made here. */

const before = (text, marks, with_) =>
	[...text].map((c) => (marks.includes(c) ? with_ + c : c)).join("");

const base64 = (text) =>
	btoa(String.fromCharCode(...new TextEncoder().encode(text)));

const raw = (text) => text;

/* comment: what opens a comment line; null where there is none.
 * value: the value of the place of this name, as it stands in the file. */
export const syntaxes = {
	/* Between single quotes; 'it'\''s'. */
	shell: { comment: "# ", value: (t) => t.replaceAll("'", "'\\''") },
	/* Postfix: parameters hold names only; tables take the rest of the line
	 * as it is, and split user:password at the first colon. */
	"main.cf": { comment: "# ", value: raw },
	table: { comment: "# ", value: raw },
	m4: { comment: "dnl ", value: raw },
	/* Sendmail's AuthInfo: "P:text" or "P=base64"; the mark is part of the
	 * value. In base64 whatever would end a quoted string. */
	authinfo: {
		comment: "# ",
		value: (t, name) => (name !== "user" && name !== "password" ? t
			: /^[\w.@+-]*$/.test(t) ? `:${t}` : `=${base64(t)}`),
	},
	/* Exim's client_send: a list by ":", expanded, "^" is NUL; each of these
	 * stands for itself when doubled or escaped. The whole option may stand
	 * in double quotes, which take backslash escapes once more. */
	exim: {
		comment: "# ",
		value: (t) => before(before(t, "\\${}", "\\")
			.replaceAll("^", "^^").replaceAll(":", "::"), "\\\"", "\\"),
	},
	"smtpd.conf": { comment: "# ", value: (t) => before(t, "\"", "\\") },
	/* Only the outermost pair of quotes is taken off. */
	msmtprc: { comment: "# ", value: raw },
	javascript: {
		comment: "// ",
		value: (t) => JSON.stringify(t).slice(1, -1),
	},
	python: { comment: "# ", value: (t) => before(t, "\\\"", "\\") },
	php: { comment: "// ", value: (t) => before(t, "\\'", "\\") },
	java: { comment: "// ", value: (t) => before(t, "\\\"", "\\") },
	csharp: { comment: "// ", value: (t) => before(t, "\\\"", "\\") },
	powershell: { comment: "# ", value: (t) => t.replaceAll("'", "''") },
	/* What is typed into a field. */
	plain: { comment: null, value: raw },
};

/* Control characters end lines or vanish in every one of these files. */
export function fits(text) {
	return !/[\u0000-\u001f\u007f]/.test(text);
}
