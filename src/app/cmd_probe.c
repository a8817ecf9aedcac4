/* `postrider probe`: its arguments, the address of the host, and the
 * connection; the dialogue is in probe.c. */
#include <stdio.h>

#include "app/err_words.h"
#include "app/probe.h"
#include "app/service.h"
#include "net/resolver.h"
#include "os/process.h"
#include "wire/say.h"

static const slice NONE = { 0 };

enum { TIMEOUT_S = 60, PASSWORD_MAX = 1024, PORT = 25, PORT_TLS = 465 };

/* --- arguments ------------------------------------------------------------ */

static int wrong(const struct cli *cli, enum probe_text id, const char *a)
{
	cli_say_text(cli, probe_text(id), a, NULL);
	return 64;
}

/* "host", "host:25", "192.0.2.1:25", "[2001:db8::1]:25", "2001:db8::1". */
static bool split_target(slice s, slice *host, uint16_t *port)
{
	struct ip_addr address;
	size_t colon = slice_rfind(s, ':');
	uint64_t number = *port;
	*host = s;
	if (!ip_addr_parse(s, &address) && colon < s.n) {
		*host = slice_sub(s, 0, colon);
		if (!slice_u64(slice_skip(s, colon + 1), 65535, &number) ||
		    number == 0)
			return false;
	}
	if (host->n > 2 && host->p[0] == '[' && host->p[host->n - 1] == ']')
		*host = slice_sub(*host, 1, host->n - 2);
	*port = (uint16_t)number;
	return host->n > 0 && host->n < 254;
}

/* Nothing that would end a command or an address early. */
static bool is_word(const char *s)
{
	if (s == NULL || strcmp(s, "<>") == 0)
		return true;
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)s[i] <= ' ' || s[i] == 0x7f || s[i] == '<' ||
		    s[i] == '>')
			return false;
	return n < 500;
}

static int judge(const struct probe *p)
{
	const struct {
		const char *option, *value;
	} words[] = { { "--helo", p->helo }, { "--from", p->from },
		      { "--to", p->to } };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!is_word(words[i].value))
			return wrong(p->cli, PROBE_BAD_WORD, words[i].option);
	if (p->tls && p->starttls)
		return wrong(p->cli, PROBE_TLS_TWICE, NULL);
	if ((p->to != NULL && p->from == NULL) ||
	    (p->data && p->to == NULL))
		return wrong(p->cli, PROBE_TO_WITHOUT_FROM, NULL);
	return 0;
}

/* The first line of a file, or of standard input. */
static int read_password(struct probe *p, struct buf *text)
{
	struct err err = { 0 };
	const char *file = cli_option(p->cli, "--password-file");
	if (p->user == NULL)
		return 0;
	bool ok = file != NULL ? os_file_load(file, PASSWORD_MAX, text, &err)
			       : os_stdin_load(PASSWORD_MAX, text, &err);
	if (!ok) {
		cli_say_err(p->cli, &err);
		return cli_exit_code(&err);
	}
	slice rest = buf_slice(text);
	p->password = slice_cut(&rest, '\n');
	if (p->password.n > 0 && p->password.p[p->password.n - 1] == '\r')
		p->password.n--;
	return p->password.n > 0 ? 0 : wrong(p->cli, PROBE_NO_PASSWORD, NULL);
}

/* --- the address of a name ------------------------------------------------ */

struct looking {
	struct resolver_query query;
	struct resolver *resolver;
	struct os_thread *thread;
	slice host;
	bool asked;
};

static void found(struct resolver_query *q)
{
	os_thread_stop(CONTAINER_OF(q, struct looking, query)->thread);
}

static int64_t turn(void *ctx)
{
	struct looking *l = ctx;
	if (!l->asked) {
		l->asked = true;
		resolver_addresses(l->resolver, &l->query, l->host, found);
	}
	return OS_NEVER;
}

static bool look_up(struct looking *l, const struct config *config,
		    struct err *err)
{
	struct resolver_config how = {
		.forward = (const char *const *)config->dns_forward,
		.threads = 1 };
	bool ok = resolver_open(&how, &l->resolver, err);
	ok = ok && resolver_start(l->resolver, err) &&
	     os_thread_new(&l->thread, "probe", turn, l, err);
	if (ok)
		os_thread_run(l->thread);
	if (ok && !l->query.ok) {
		*err = l->query.err;
		ok = false;
	}
	if (l->resolver != NULL)
		resolver_close(&l->resolver);
	if (l->thread != NULL)
		os_thread_join(&l->thread);
	return ok;
}

/* --- all ------------------------------------------------------------------ */

static void say_not_reached(const struct probe *p, slice what,
			    const struct err *err)
{
	struct buf words;
	buf_init(&words, 4096);
	err_words(&words, err, p->cli->language);
	probe_say(p, PROBE_NOT_REACHED, what, buf_slice(&words), NONE);
	buf_fini(&words);
}

static bool connect_to(struct probe *p, const struct ip_addr *address,
		       uint16_t port)
{
	struct err err = { 0 };
	char text[IP_PORT_TEXT_MAX];
	struct ip_port to = { .addr = *address, .port = port };
	ip_port_text(&to, text);
	probe_say(p, PROBE_CONNECTING, slice_of(text), NONE, NONE);
	if (probe_wire_connect(&p->wire, &to, &err))
		return true;
	say_not_reached(p, slice_of(text), &err);
	return false;
}

static int probe_host(struct probe *p, const struct config *config,
		      uint16_t port)
{
	struct looking l = { .host = p->host };
	struct err err = { 0 };
	if (!look_up(&l, config, &err)) {
		say_not_reached(p, p->host, &err);
		return err.kind == ERR_TEMPORARY ? 75 : 69;
	}
	for (unsigned i = 0; i < l.query.count; i++)
		if (connect_to(p, &l.query.addresses[i], port)) {
			probe_talk(p);
			return p->code;
		}
	return 69;
}

static int run(struct probe *p, const struct config *config)
{
	struct buf password;
	const char *seconds = cli_option(p->cli, "--timeout");
	uint64_t timeout = TIMEOUT_S;
	uint16_t port = p->tls ? PORT_TLS : PORT;
	char own[256];
	os_hostname(own, sizeof(own));
	p->hostname = config->hostname.n > 0 ? config->hostname
					     : slice_of(own);
	char helo[256];
	if (p->helo == NULL && slice_to_cstr(p->hostname, helo, sizeof(helo)))
		p->helo = helo;
	if (seconds != NULL && (!slice_u64(slice_of(seconds), 3600, &timeout) ||
				timeout == 0))
		timeout = TIMEOUT_S;
	if (!split_target(slice_of(p->cli->argument), &p->host, &port))
		return wrong(p->cli, PROBE_BAD_TARGET, p->cli->argument);
	int code = p->helo != NULL ? judge(p) : 78;
	buf_init(&password, PASSWORD_MAX + 131072);
	if (code == 0)
		code = read_password(p, &password);
	probe_wire_init(&p->wire, (int64_t)timeout * 1000);
	if (code == 0)
		code = probe_host(p, config, port);
	probe_wire_fini(&p->wire);
	buf_fini(&password);
	return code;
}

int cmd_probe(struct cli *cli)
{
	struct setup setup;
	int code;
	struct probe p = {
		.cli = cli,
		.helo = cli_option(cli, "--helo"),
		.user = cli_option(cli, "--auth"),
		.from = cli_option(cli, "--from"),
		.to = cli_option(cli, "--to"),
		.tls = cli_option(cli, "--tls") != NULL,
		.starttls = cli_option(cli, "--starttls") != NULL,
		.verify = cli_option(cli, "--verify") != NULL,
		.data = cli_option(cli, "--data") != NULL,
	};
	if (!setup_open(&setup, cli, &code))
		return code;
	code = run(&p, &setup.config);
	setup_close(&setup);
	return code;
}
