/* Views of bytes; see slice.h. */
#include "base/slice.h"

bool slice_eq(slice a, slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool slice_eq_fold(slice a, slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

int slice_cmp(slice a, slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool slice_starts(slice s, slice prefix)
{
	return s.n >= prefix.n && slice_eq((slice){ s.p, prefix.n }, prefix);
}

bool slice_starts_fold(slice s, slice prefix)
{
	return s.n >= prefix.n &&
	       slice_eq_fold((slice){ s.p, prefix.n }, prefix);
}

bool slice_ends_fold(slice s, slice suffix)
{
	return s.n >= suffix.n &&
	       slice_eq_fold(slice_skip(s, s.n - suffix.n), suffix);
}

size_t slice_find(slice s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

size_t slice_rfind(slice s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

size_t slice_find_slice(slice s, slice needle)
{
	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return s.n;
	const char *at = memmem(s.p, s.n, needle.p, needle.n);
	return at ? (size_t)(at - s.p) : s.n;
}

slice slice_sub(slice s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (slice){ s.n ? s.p + from : s.p, n };
}

slice slice_skip(slice s, size_t n)
{
	return slice_sub(s, n, s.n);
}

slice slice_trim(slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

slice slice_cut(slice *s, char c)
{
	size_t at = slice_find(*s, c);
	slice before = slice_sub(*s, 0, at);
	*s = slice_skip(*s, at + 1);
	return before;
}

bool slice_u64(slice s, uint64_t max, uint64_t *out)
{
	if (s.n == 0)
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_digit(s.p[i]) ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'),
					   &value))
			return false;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

bool slice_to_cstr(slice s, char *to, size_t cap)
{
	if (s.n >= cap || slice_find(s, '\0') != s.n)
		return false;
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	return true;
}
