/* See base32.h. */
#include "crypto/base32.h"

#include <string.h>

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void base32_write(const uint8_t *from, size_t from_n, char *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned five = 0;
		for (size_t bit = 5 * i; bit < 5 * i + 5; bit++) {
			unsigned byte = bit / 8 < from_n ? from[bit / 8] : 0;
			five = five << 1 | (byte >> (7 - bit % 8) & 1);
		}
		to[i] = alphabet[five];
	}
}

bool base32_has(char c)
{
	return c != '\0' && strchr(alphabet, c) != NULL;
}
