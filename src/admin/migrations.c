/*
 * The schema, step by step; see migrations.h. Plain tables and foreign keys,
 * as PostgreSQL knows them too. AUTOINCREMENT: an id is never used again
 * (DESIGN of the view: queue entries and audit rows name ids of things that
 * are gone).
 *
 * Numbers of choices are those of the enums in policy/view.h.
 */
#include "admin/migrations.h"

#include "base/check.h"

static const char *const STEPS[] = {
	/* 1: the directory */
	"CREATE TABLE customers ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" name TEXT NOT NULL UNIQUE,"
	" licences INTEGER NOT NULL,"
	" billing INTEGER NOT NULL CHECK (billing BETWEEN 0 AND 2),"
	" language INTEGER NOT NULL CHECK (language BETWEEN 0 AND 1),"
	" plan INTEGER NOT NULL CHECK (plan BETWEEN 0 AND 1),"
	" suspended INTEGER NOT NULL,"
	" closing INTEGER NOT NULL DEFAULT 0,"
	" allow_private_addresses INTEGER NOT NULL,"
	" null_sender_recipients INTEGER NOT NULL,"
	" sender_must_match_login INTEGER NOT NULL,"
	" over_customer_day INTEGER NOT NULL,"
	" over_customer_peak INTEGER NOT NULL,"
	" over_user INTEGER NOT NULL,"
	" report_address TEXT NOT NULL,"
	" org_units TEXT NOT NULL);"		/* a line each */
	"CREATE TABLE domains ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" customer INTEGER NOT NULL REFERENCES customers(id),"
	" name TEXT NOT NULL UNIQUE,"
	" kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),"
	" alias_of TEXT REFERENCES domains(name)"
	"  DEFERRABLE INITIALLY DEFERRED,"
	" verified INTEGER NOT NULL,"
	" CHECK ((kind = 2) = (alias_of IS NOT NULL)));"
	"CREATE INDEX domains_customer ON domains(customer);"
	"CREATE INDEX domains_alias ON domains(alias_of);"
	"CREATE TABLE users ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" customer INTEGER NOT NULL REFERENCES customers(id),"
	" address TEXT NOT NULL UNIQUE,"
	" role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3),"
	" suspended INTEGER NOT NULL,"
	" org_unit TEXT NOT NULL);"
	"CREATE INDEX users_customer ON users(customer);"
	"CREATE TABLE aliases ("
	" address TEXT NOT NULL PRIMARY KEY,"
	" user INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE"
	") WITHOUT ROWID;"
	"CREATE INDEX aliases_user ON aliases(user);"
	"CREATE TABLE app_passwords ("
	" id TEXT NOT NULL PRIMARY KEY,"
	" user INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
	" customer INTEGER NOT NULL REFERENCES customers(id),"
	" mac BLOB NOT NULL CHECK (length(mac) = 32),"
	" sender TEXT NOT NULL,"
	" range_first BLOB, range_bits INTEGER,"
	" generation INTEGER NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" CHECK ((range_first IS NULL) = (range_bits IS NULL))"
	") WITHOUT ROWID;"
	"CREATE INDEX app_passwords_user ON app_passwords(user);"
	"CREATE TABLE settings ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" customer INTEGER NOT NULL REFERENCES customers(id),"
	" key TEXT NOT NULL,"
	" position INTEGER NOT NULL,"
	" description TEXT NOT NULL CHECK (description <> ''),"
	" allowed_senders INTEGER NOT NULL"
	"  CHECK (allowed_senders BETWEEN 0 AND 2),"
	" ip_only INTEGER NOT NULL,"
	" require_auth INTEGER NOT NULL,"
	" require_tls INTEGER NOT NULL,"
	" enabled INTEGER NOT NULL,"
	" line_ends INTEGER NOT NULL,"
	" UNIQUE (customer, key),"
	/* neither would be an open relay */
	" CHECK (ip_only = 1 OR require_auth = 1));"
	"CREATE TABLE ip_entries ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" customer INTEGER NOT NULL REFERENCES customers(id),"
	" setting INTEGER NOT NULL REFERENCES settings(id),"
	" first BLOB NOT NULL CHECK (length(first) = 16),"
	" bits INTEGER NOT NULL CHECK (bits BETWEEN 112 AND 128),"
	" description TEXT NOT NULL CHECK (description <> ''),"
	" enabled INTEGER NOT NULL,"
	" shared INTEGER NOT NULL,"
	" inert INTEGER NOT NULL,"
	" UNIQUE (setting, first, bits));"
	"CREATE INDEX ip_entries_first ON ip_entries(first);"
	"CREATE INDEX ip_entries_customer ON ip_entries(customer);"
	"CREATE TABLE revisions ("
	" revision INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL,"			/* ms since 1970 */
	" who TEXT NOT NULL,"
	" call TEXT NOT NULL,"
	" change BLOB);"			/* of the newest ones */
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" at INTEGER NOT NULL,"
	" who TEXT NOT NULL,"
	" call TEXT NOT NULL,"
	" revision INTEGER NOT NULL REFERENCES revisions(revision),"
	" customer INTEGER,"		/* no reference: rows stay */
	" object TEXT NOT NULL,"
	" before TEXT,"
	" after TEXT);"
	"CREATE INDEX audit_customer ON audit(customer);",
	/* 2: keys of SCRAM; app passwords of before have none */
	"ALTER TABLE app_passwords ADD COLUMN scram_salt BLOB"
	" CHECK (length(scram_salt) = 16);"
	"ALTER TABLE app_passwords ADD COLUMN scram_stored BLOB"
	" CHECK (length(scram_stored) = 32);"
	"ALTER TABLE app_passwords ADD COLUMN scram_server BLOB"
	" CHECK (length(scram_server) = 32);",
	/* 3: plans; the two that were choices are the first of them. A column
	 * that names a row must begin as NULL (SQLite). */
	"CREATE TABLE plans ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" name TEXT NOT NULL UNIQUE,"
	" relay INTEGER NOT NULL,"
	" day_per_licence INTEGER NOT NULL,"
	" day_most INTEGER NOT NULL,"
	" day_unpaid INTEGER NOT NULL,"
	" peak_per_licence INTEGER NOT NULL,"
	" peak_most INTEGER NOT NULL,"
	" peak_unpaid INTEGER NOT NULL,"
	" messages_most INTEGER NOT NULL,"
	" messages_per_licence INTEGER NOT NULL,"
	" unique_per_licence INTEGER NOT NULL,"
	" null_least INTEGER NOT NULL,"
	" null_percent INTEGER NOT NULL);"
	"INSERT INTO plans VALUES (1,'standard',1,130,4600000,100,9,319444,50,"
	"10000,0,130,50,2),(2,'legacy-free',0,130,4600000,100,9,319444,50,"
	"10000,0,130,50,2);"
	"ALTER TABLE customers ADD COLUMN plan_id INTEGER"
	" REFERENCES plans(id);"
	"UPDATE customers SET plan_id = plan + 1;"
	"ALTER TABLE customers DROP COLUMN plan;"
	"ALTER TABLE customers RENAME COLUMN plan_id TO plan;"
	"CREATE INDEX customers_plan ON customers(plan);",
	/* 4: a customer asks the operator to let it share a range */
	"ALTER TABLE ip_entries ADD COLUMN sharing_requested INTEGER NOT NULL DEFAULT 0;",
	/* 5: drafts of relay settings, and pages of users by address */
	"CREATE TABLE drafts ("
	" customer INTEGER NOT NULL REFERENCES customers(id),"
	" key TEXT NOT NULL,"			/* of the setting, or new-… */
	" body TEXT NOT NULL,"			/* JSON of setting.put */
	" who TEXT NOT NULL,"
	" at INTEGER NOT NULL,"
	" PRIMARY KEY (customer, key)) WITHOUT ROWID;"
	"CREATE INDEX users_page ON users(customer, address);"
	"DROP INDEX users_customer;"
	"CREATE INDEX audit_object ON audit(customer, object);",
	/* 6: old TLS from an address, to the end of a day (base/day.h) */
	"ALTER TABLE ip_entries ADD COLUMN legacy_tls_until INTEGER NOT NULL DEFAULT 0;",
	/* 7: who signs in. What is known by its hash alone is a BLOB: nothing
	 * here lets anybody in (crypto/keyed.h). And the audit log tells of
	 * acts that make no revision, as what role, and from where. */
	"CREATE TABLE operators ("		/* people of no customer */
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" address TEXT NOT NULL UNIQUE,"
	" created_at INTEGER NOT NULL);"
	"CREATE TABLE people ("			/* who was ever invited */
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 4294967296),"
	" operator INTEGER UNIQUE REFERENCES operators(id) ON DELETE CASCADE,"
	" user INTEGER UNIQUE REFERENCES users(id) ON DELETE CASCADE,"
	" password TEXT NOT NULL DEFAULT '',"	/* Argon2id */
	" factor BLOB,"				/* TOTP secret, sealed */
	" factor_step INTEGER NOT NULL DEFAULT 0,"	/* used last */
	" language INTEGER CHECK (language BETWEEN 0 AND 1),"
	" time_zone TEXT,"
	" scheme TEXT,"
	" shortcuts INTEGER NOT NULL DEFAULT 1,"
	" CHECK ((operator IS NULL) <> (user IS NULL)));"
	"CREATE TABLE recovery_codes ("
	" person INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,"
	" hash BLOB NOT NULL CHECK (length(hash) = 32),"
	" PRIMARY KEY (person, hash)) WITHOUT ROWID;"
	"CREATE TABLE invites ("
	" hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),"
	" person INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,"
	" expires_at INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX invites_person ON invites(person);"
	"CREATE TABLE sessions ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
	" person INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,"
	" state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),"
	" begun_at INTEGER NOT NULL,"
	" seen_at INTEGER NOT NULL,"
	" client TEXT NOT NULL,"
	" wrong INTEGER NOT NULL DEFAULT 0,"	/* codes that were tried */
	" pending BLOB);"			/* a factor being set up */
	"CREATE INDEX sessions_person ON sessions(person);"
	"CREATE TABLE api_tokens ("
	" id TEXT NOT NULL PRIMARY KEY,"
	" hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
	" person INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,"
	" name TEXT NOT NULL,"
	" scopes INTEGER NOT NULL,"		/* bits of enum right */
	" created_at INTEGER NOT NULL,"
	" expires_at INTEGER NOT NULL,"
	" used_at INTEGER) WITHOUT ROWID;"
	"CREATE INDEX api_tokens_person ON api_tokens(person);"
	"ALTER TABLE audit RENAME TO audit_before;"
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" at INTEGER NOT NULL,"
	" who TEXT NOT NULL,"
	" role TEXT NOT NULL DEFAULT '',"	/* '' before this step */
	" client TEXT NOT NULL DEFAULT '',"	/* '': the shell */
	" call TEXT NOT NULL,"
	" revision INTEGER REFERENCES revisions(revision),"
	" customer INTEGER,"
	" object TEXT NOT NULL,"
	" before TEXT,"
	" after TEXT);"
	"INSERT INTO audit (id, at, who, call, revision, customer, object,"
	" before, after) SELECT id, at, who, call, revision, customer, object,"
	" before, after FROM audit_before;"
	"DROP TABLE audit_before;"
	"CREATE INDEX audit_customer ON audit(customer);"
	"CREATE INDEX audit_object ON audit(customer, object);",
};

static const struct migrations ALL = { STEPS, ARRAY_LEN(STEPS) };

const struct migrations *migrations_all(void)
{
	return &ALL;
}
