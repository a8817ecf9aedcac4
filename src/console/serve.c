/* libmicrohttpd in front of pages.h; see serve.h. */
#include "console/serve.h"

#include <microhttpd.h>
#include <stdlib.h>

#include "console/pages.h"
#include "os/process.h"
#include "wire/frame.h"

enum {
	CONNECTIONS_MAX = 64,
	CONNECTIONS_ADDRESS_MAX = 32,
	CONNECTION_MEMORY = 32768,
	CONNECTION_SECONDS = 15,
};

static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *upload_data,
			      size_t *upload_size, void **request)
{
	const struct console_config *config = ctx;
	struct page page;
	(void)version;
	(void)upload_data;
	/* First the header section, then the body, which nobody wants. */
	if (*request == NULL) {
		*request = ctx;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	page_answer(config->counters, slice_of(method), slice_of(url), &page);
	struct MHD_Response *response = MHD_create_response_from_buffer(
		page.body.n, page.body.p, MHD_RESPMEM_MUST_COPY);
	buf_fini(&page.body);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", page.type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Content-Security-Policy",
				"default-src 'none'");
	enum MHD_Result result = MHD_queue_response(connection, page.status,
						    response);
	MHD_destroy_response(response);
	return result;
}

/* libmicrohttpd's own words go nowhere: they are about strangers' bytes. */
static void hush(void *ctx, const char *format, va_list args)
{
	(void)ctx;
	(void)format;
	(void)args;
}

static void wait_for_the_end(int master_fd)
{
	struct err err = { 0 };
	struct buf in;
	bool open = true, ready;
	buf_init(&in, 65536);
	while (open) {
		struct frame frame = { 0 };
		bool got = false;
		if (!os_wait_input(&master_fd, &ready, 1, -1))
			continue;
		if (!os_channel_receive(master_fd, &in, &open, &err))
			break;
		slice rest = buf_slice(&in);
		if (!frame_read(&rest, FRAME_BIT(FRAME_DRAIN) |
				       FRAME_BIT(FRAME_PEER), &got, &frame,
				&err) || (got && frame.type == FRAME_DRAIN))
			break;
		buf_consume(&in, in.n - rest.n);
	}
	buf_fini(&in);
}

int console_serve(const struct console_config *config)
{
	struct log_event e;
	union {
		const struct console_config *given;
		void *taken;		/* handed back to answer, as const */
	} ctx = { .given = config };
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL,
		NULL, answer, ctx.taken,
		MHD_OPTION_EXTERNAL_LOGGER, hush, NULL,
		MHD_OPTION_LISTEN_SOCKET, config->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_ADDRESS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (daemon == NULL) {
		log_begin(&e, config->log, LOG_ALARM, "console.failed");
		log_end(&e);
		return 71;
	}
	wait_for_the_end(config->master_fd);
	MHD_stop_daemon(daemon);
	return 0;
}
