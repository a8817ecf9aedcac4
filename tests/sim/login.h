/*
 * Who may log in: a few users with an app password each, that is taken away
 * and made anew while the program runs; and the client's side of AUTH PLAIN,
 * LOGIN and SCRAM-SHA-256.
 *
 * A password that is made anew keeps its id and has another secret (its
 * version) and generation; an old version never comes back.
 */
#pragma once

#include "base/buf.h"
#include "crypto/password.h"

enum { LOGINS = 3, LOGIN_VERSIONS = 5,
       LOGIN_WRONG = LOGIN_VERSIONS,	/* the right id, and a secret that
					 * never was */
       LOGIN_PEPPER_BYTES = 32 };
extern const uint8_t login_pepper[LOGIN_PEPPER_BYTES];

struct login_state {
	unsigned version;
	bool stands;			/* or it has been taken away */
};

/* What the directory says, and what every shard of the process is known to
 * use; between the two nobody can tell. */
struct login_directory {
	uint64_t revision, changes;
	struct login_state truth[LOGINS], live[LOGINS];
	bool changing;
};
void login_directory_begin(struct login_directory *d);
/* Takes one away or makes it anew; the change is appended to `change`. */
void login_directory_change(struct login_directory *d, unsigned slot,
			    struct buf *change);
/* All that there is, of customer 1, into a whole change. */
void login_directory_put(const struct login_directory *d, struct buf *change);
/* The process uses what the directory says. */
void login_directory_live(struct login_directory *d);
/* For certain and for ever. */
bool login_is_dead(const struct login_directory *d, unsigned slot,
		   unsigned version);
/* For certain, now. */
bool login_stands(const struct login_directory *d, unsigned slot,
		  unsigned version);

enum login_mechanism { LOGIN_PLAIN, LOGIN_LOGIN, LOGIN_SCRAM,
		       LOGIN_MECHANISMS };
enum login_name { LOGIN_BY_ADDRESS, LOGIN_BY_ID, LOGIN_BY_NOTHING,
		  LOGIN_NAMES };

struct login_try {
	enum login_mechanism mechanism;
	enum login_name name;
	unsigned slot, version;
	bool initial;			/* the first answer with the command */
	unsigned step;
	char message[600];		/* SCRAM: AuthMessage, as it grows */
	uint8_t signature[32];		/* and what the server must say */
};
/* The command, with its line end. */
void login_begin(struct login_try *t, struct buf *out);
/* The answer to a 334 with this text. False: the server says what it may not
 * say. */
bool login_go_on(struct login_try *t, slice challenge, struct buf *out);
