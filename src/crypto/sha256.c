/* See sha256.h. */
#include "crypto/sha256.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct sha256 {
	EVP_MD_CTX *md;
	bool failed;
};

static void begin(struct sha256 *h)
{
	h->failed = EVP_DigestInit_ex(h->md, EVP_sha256(), NULL) != 1;
}

struct sha256 *sha256_new(void)
{
	struct sha256 *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->md = EVP_MD_CTX_new();
	if (h->md == NULL)
		sha256_free(&h);
	else
		begin(h);
	return h;
}

void sha256_free(struct sha256 **h)
{
	if (*h == NULL)
		return;
	EVP_MD_CTX_free((*h)->md);
	free(*h);
	*h = NULL;
}

void sha256_add(struct sha256 *h, slice piece)
{
	if (!h->failed && piece.n > 0)
		h->failed = EVP_DigestUpdate(h->md, piece.p, piece.n) != 1;
}

bool sha256_end(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
	unsigned n = 0;
	bool ok = !h->failed && EVP_DigestFinal_ex(h->md, out, &n) == 1;
	invariant(!ok || n == SHA256_BYTES);
	begin(h);
	return ok;
}

const char *sha256_text(const uint8_t digest[SHA256_BYTES],
			char to[SHA256_TEXT])
{
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(to + 2 * i, 3, "%02x", digest[i]);
	return to;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sha256_parse(slice text, uint8_t out[SHA256_BYTES])
{
	if (text.n != SHA256_TEXT - 1)
		return false;
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		int high = digit(text.p[2 * i]), low = digit(text.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
