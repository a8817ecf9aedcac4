/* Inside of the console: what its server has for all requests. */
#pragma once

#include <microhttpd.h>

#include "console/assets.h"
#include "console/events.h"
#include "console/patience.h"
#include "console/serve.h"

enum { CONSOLE_BODY_MAX = 1048576 };

struct console {
	const struct console_config *config;
	struct os_thread *thread;	/* front, events, master */
	struct front *front;
	struct events *events;
	struct patience *patience;
	struct assets assets;
	struct buf openapi;		/* the document */
	/* No request may go to sleep once it is closing. */
	struct os_mutex *gate;
	bool closing;
};

/* serve.c: what is kept beside a connection; NULL: nothing. */
struct patient *connection_patient(struct MHD_Connection *connection);

/* --- request.c: one request, on libmicrohttpd's thread -------------------- */
enum MHD_Result request_handle(void *console,
			       struct MHD_Connection *connection,
			       const char *url, const char *method,
			       const char *version, const char *upload_data,
			       size_t *upload_size, void **request);
void request_completed(void *console, struct MHD_Connection *connection,
		       void **request,
		       enum MHD_RequestTerminationCode how);

/* --- respond.c: answers on the wire --------------------------------------- */
struct answer;
/* Sends a, whose body it may take. closing: the connection ends after it. */
enum MHD_Result respond(struct MHD_Connection *connection, struct answer *a,
			bool closing);
enum MHD_Result respond_asset(struct MHD_Connection *connection,
			      const struct asset *asset, bool gzip,
			      slice if_none_match);
/* /metrics, /healthz, /readyz. */
enum MHD_Result respond_page(struct MHD_Connection *connection,
			     const struct console_config *config, slice method,
			     slice path);
/* Takes the stream over. */
enum MHD_Result respond_stream(struct MHD_Connection *connection,
			       struct event_stream *stream);
/* Wakes or puts to sleep the connection that ctx is. */
void stream_wake(void *connection);
void stream_sleep(void *connection);
