/*
 * A connection to the agent on this host, which stores WAL: one request, one answer, both a line
 * (docs/archive-protocol.md). Nothing here allocates memory or raises an ERROR: an archiver before
 * PostgreSQL 18 ends on one.
 */
#ifndef TIDEMARK_AGENT_CONNECTION_H
#define TIDEMARK_AGENT_CONNECTION_H

#include <sys/un.h>

/* The longest line of the protocol, its end included. */
#define AGENT_LINE_MAX 8192

/* The longest path of a Unix socket, without the zero behind it. */
#define AGENT_SOCKET_MAX (sizeof(((struct sockaddr_un *) 0)->sun_path) - 1)

/* What became of a request. */
typedef enum AgentOutcome
{
	AGENT_ANSWERED,				/* "line" holds the answer, without its end */
	AGENT_UNREACHABLE,			/* no connection; errno says why */
	AGENT_ENDED,				/* it ended the connection before it answered */
	AGENT_SILENT,				/* no answer in time */
	AGENT_MISUNDERSTOOD,		/* what came is not the protocol */
	AGENT_INTERRUPTED			/* the server asks us to stop, or to read its configuration */
} AgentOutcome;

typedef struct AgentConnection
{
	int			fd;				/* -1: there is none */
	char		socket[AGENT_SOCKET_MAX + 1];	/* where "fd" leads */
	bool		suspect;		/* it was silent: first of all ask whether it lives */
	char		line[AGENT_LINE_MAX];
} AgentConnection;

extern void agent_init(AgentConnection *agent);
extern void agent_close(AgentConnection *agent);

/*
 * Sends a line (its end included) and waits for the answer, on the connection there is or a new one.
 * Sent again once when a connection kept from an earlier request turns out to be dead: the agent may
 * have been started anew, and storing the same file twice is storing it once.
 */
extern AgentOutcome agent_ask(AgentConnection *agent, const char *socket,
							  const char *request, int timeout_ms);

#endif							/* TIDEMARK_AGENT_CONNECTION_H */
