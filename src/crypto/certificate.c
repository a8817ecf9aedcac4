/*
 * Certificates as PEM text: makes a self-signed one for a first start, and
 * says when one ends.
 */
#include "crypto/tls_context.h"

#include <limits.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "crypto/crypto_private.h"

enum {
	SELF_SIGNED_DAYS = 3650,
	HOSTNAME_MAX = 253,		/* RFC 1035 2.3.4 as text */
	COMMON_NAME_MAX = 64,		/* RFC 5280 appendix A: ub-common-name */
	DAY_S = 24 * 60 * 60,
};

/* --- self-signed ---------------------------------------------------------- */

static bool set_serial(X509 *x)
{
	unsigned char random[16];
	if (RAND_bytes(random, sizeof(random)) != 1)
		return false;
	random[0] &= 0x7f;	/* positive, at most 20 octets: RFC 5280 4.1.2.2 */
	random[0] |= 0x40;
	BIGNUM *n = BN_bin2bn(random, sizeof(random), NULL);
	bool ok = n != NULL &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool set_names(X509 *x, const char *hostname)
{
	X509_NAME *name = X509_get_subject_name(x);
	/* A longer name stands in subjectAltName only, which is what counts. */
	const char *cn = strlen(hostname) <= COMMON_NAME_MAX ? hostname
							     : "postrider";
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)cn, -1, -1,
					  0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

/* dNSName or iPAddress, built by hand: the text syntax of X509V3_EXT_conf
 * would read commas in it. */
static GENERAL_NAME *alternative_name(const char *hostname)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(hostname);
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *dns = ip ? NULL : ASN1_IA5STRING_new();
	ERR_clear_error();
	if (name != NULL && ip != NULL) {
		GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
		return name;
	}
	if (name != NULL && dns != NULL &&
	    ASN1_STRING_set(dns, hostname, -1) == 1) {
		GENERAL_NAME_set0_value(name, GEN_DNS, dns);
		return name;
	}
	GENERAL_NAME_free(name);
	ASN1_OCTET_STRING_free(ip);
	ASN1_IA5STRING_free(dns);
	return NULL;
}

static bool add_alternative_name(X509 *x, const char *hostname)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = alternative_name(hostname);
	bool ok = names != NULL && name != NULL &&
		  sk_GENERAL_NAME_push(names, name) > 0;
	if (!ok)
		GENERAL_NAME_free(name);
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0,
				     X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool fill_certificate(X509 *x, EVP_PKEY *key, const char *hostname)
{
	/* Valid since yesterday: a device's clock may be behind. */
	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(x), SELF_SIGNED_DAYS, 0,
				NULL) != NULL &&
	       set_names(x, hostname) && X509_set_pubkey(x, key) == 1 &&
	       add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, NID_ext_key_usage, "serverAuth") &&
	       add_alternative_name(x, hostname) &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

static bool append_bio(struct buf *to, BIO *from)
{
	char *p = NULL;
	long n = BIO_get_mem_data(from, &p);
	if (n <= 0)
		return false;
	buf_append_bytes(to, p, (size_t)n);
	return !to->failed;
}

static bool write_pem(X509 *x, EVP_PKEY *key, struct buf *certificate_pem,
		      struct buf *key_pem)
{
	BIO *cert_text = BIO_new(BIO_s_mem());
	/* secmem: wiped when freed */
	BIO *key_text = BIO_new(BIO_s_secmem());
	bool ok = cert_text != NULL && key_text != NULL &&
		  PEM_write_bio_X509(cert_text, x) == 1 &&
		  PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0,
						NULL, NULL) == 1 &&
		  append_bio(certificate_pem, cert_text) &&
		  append_bio(key_pem, key_text);
	BIO_free(cert_text);
	BIO_free(key_text);
	return ok;
}

bool tls_self_signed(slice hostname, struct buf *certificate_pem,
		     struct buf *key_pem, struct err *err)
{
	char name[HOSTNAME_MAX + 1];
	ERR_clear_error();
	if (hostname.n == 0 || !slice_to_cstr(hostname, name, sizeof(name)))
		return err_set(err, ERR_PERMANENT, SCOPE_SELF,
			       "tls_self_signed", "bad hostname");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	bool ok = key != NULL && x != NULL && fill_certificate(x, key, name) &&
		  write_pem(x, key, certificate_pem, key_pem);
	X509_free(x);
	EVP_PKEY_free(key);
	if (!ok)
		return crypto_err(err, ERR_INTERNAL, SCOPE_SELF,
				  "tls_self_signed",
				  "certificate can't be made");
	return true;
}

/* --- expiry --------------------------------------------------------------- */

bool tls_certificate_ends(slice certificate_pem, int64_t *ends_wall_ms,
			  struct err *err)
{
	int days = 0, seconds = 0;
	*ends_wall_ms = 0;
	ERR_clear_error();
	BIO *pem = certificate_pem.n > 0 && certificate_pem.n < INT_MAX
			   ? BIO_new_mem_buf(certificate_pem.p,
					     (int)certificate_pem.n)
			   : NULL;
	X509 *x = pem ? PEM_read_bio_X509_AUX(pem, NULL, NULL, NULL) : NULL;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	bool ok = x != NULL && epoch != NULL &&
		  ASN1_TIME_diff(&days, &seconds, epoch,
				 X509_get0_notAfter(x)) == 1;
	if (ok)
		*ends_wall_ms = ((int64_t)days * DAY_S + seconds) * 1000;
	ASN1_TIME_free(epoch);
	X509_free(x);
	BIO_free(pem);
	return ok || crypto_err(err, ERR_PERMANENT, SCOPE_SELF,
				"tls_certificate_ends",
				"certificate can't be read (PEM)");
}

bool tls_certificate_days_left(slice certificate_pem, int64_t now_wall_ms,
			       int *days, struct err *err)
{
	const int64_t day_ms = (int64_t)DAY_S * 1000;
	int64_t ends_ms;
	*days = -1;
	if (!tls_certificate_ends(certificate_pem, &ends_ms, err))
		return false;
	/* Rounded towards the past; whole seconds, as the certificate has. */
	int64_t left_ms = ends_ms - now_wall_ms / 1000 * 1000;
	*days = (int)(left_ms / day_ms - (left_ms % day_ms < 0));
	return true;
}
