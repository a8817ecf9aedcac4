/*
 * Who still comes with TLS of before 1.2, or with ciphers that only a legacy
 * listener takes (SPEC 1.9): handshakes by client address, for the journal
 * and the weekly report. One table for all shards; its mutex is held for one
 * look. When it is full, the address that was silent for longest gives way.
 */
#pragma once

#include "base/err.h"
#include "base/ip.h"

enum { LEGACY_CLIENTS_MAX = 1024, LEGACY_TOLD_EVERY_MS = 86400000 };

struct legacy_client {
	struct ip_addr address;
	uint32_t customer;		/* 0: not known */
	char version[12], cipher[64];	/* of the last handshake */
	uint64_t handshakes;		/* since the last report */
	int64_t first_ms, last_ms;	/* wall clock */
	int64_t told_ms;
};

struct legacy_clients;
bool legacy_clients_new(struct legacy_clients **out, struct err *err) MUST_USE;
void legacy_clients_free(struct legacy_clients **t);

/* A handshake; of `seen` address, customer, version, cipher. True: the
 * journal should hear of it (the first of its address for a day); *row is
 * what is known of the address now. */
bool legacy_clients_note(struct legacy_clients *t,
			 const struct legacy_client *seen, int64_t now_ms,
			 struct legacy_client *row) MUST_USE;
/* Gives the rows out and begins anew; rows has room for LEGACY_CLIENTS_MAX.
 * *lost: handshakes of addresses that had to give way. */
size_t legacy_clients_take(struct legacy_clients *t,
			   struct legacy_client *rows, uint64_t *lost);
