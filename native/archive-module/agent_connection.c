#include "postgres.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_connection.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/wait_event.h"

/* An agent that lives answers a PING at once, whatever else it does. */
#define PING_TIMEOUT_MS 5000

/*
 * While we wait, a changed configuration is not read: the archiver does that between two files. The
 * change may be the very thing that helps against an agent that does not answer, so wait no longer
 * than this once one is announced.
 */
#define RELOAD_GRACE_MS 5000

static bool agent_open(AgentConnection *agent, const char *socket_path);
static bool is_stale(AgentConnection *agent);
static AgentOutcome exchange(AgentConnection *agent, const char *request, int timeout_ms);
static AgentOutcome send_request(AgentConnection *agent, const char *request, TimestampTz *deadline);
static AgentOutcome receive_line(AgentConnection *agent, TimestampTz *deadline);
static AgentOutcome wait_for(AgentConnection *agent, uint32 event, TimestampTz *deadline);

void
agent_init(AgentConnection *agent)
{
	agent->fd = -1;
	agent->socket[0] = '\0';
	agent->suspect = false;
	agent->line[0] = '\0';
}

void
agent_close(AgentConnection *agent)
{
	if (agent->fd < 0)
		return;
	close(agent->fd);
	agent->fd = -1;
	ReleaseExternalFD();
}

AgentOutcome
agent_ask(AgentConnection *agent, const char *socket_path, const char *request, int timeout_ms)
{
	AgentOutcome outcome;
	bool		kept;

	if (agent->fd >= 0 && (strcmp(agent->socket, socket_path) != 0 || is_stale(agent)))
		agent_close(agent);
	kept = agent->fd >= 0;

	for (;;)
	{
		if (agent->fd < 0 && !agent_open(agent, socket_path))
			return AGENT_UNREACHABLE;
		outcome = AGENT_ANSWERED;
		if (agent->suspect)
			outcome = exchange(agent, "PING\n", Min(timeout_ms, PING_TIMEOUT_MS));
		if (outcome == AGENT_ANSWERED)
		{
			agent->suspect = false;
			outcome = exchange(agent, request, timeout_ms);
		}
		if (outcome == AGENT_ANSWERED)
			return outcome;

		/* An answer that comes after all must not be taken for that to the next request. */
		agent_close(agent);
		if (outcome == AGENT_SILENT)
			agent->suspect = true;
		if (outcome != AGENT_ENDED || !kept)
			return outcome;
		kept = false;
	}
}

static bool
agent_open(AgentConnection *agent, const char *socket_path)
{
	struct sockaddr_un address;
	int			fd;

	Assert(strlen(socket_path) <= AGENT_SOCKET_MAX);
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);

	ReserveExternalFD();
	fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* A Unix socket connects at once or not at all, so this never waits. */
	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || !pg_set_noblock(fd) ||
		connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
	{
		int			save_errno = errno;

		if (fd >= 0)
			close(fd);
		ReleaseExternalFD();
		errno = save_errno;
		return false;
	}
	agent->fd = fd;
	snprintf(agent->socket, sizeof(agent->socket), "%s", socket_path);
	return true;
}

/* Between two requests nothing comes from a living agent: an end, or bytes nobody asked for, say that it is over. */
static bool
is_stale(AgentConnection *agent)
{
	char		byte;
	ssize_t		received = recv(agent->fd, &byte, 1, MSG_PEEK);

	return received >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static AgentOutcome
exchange(AgentConnection *agent, const char *request, int timeout_ms)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
	AgentOutcome outcome = send_request(agent, request, &deadline);

	if (outcome == AGENT_ANSWERED)
		outcome = receive_line(agent, &deadline);
	return outcome;
}

static AgentOutcome
send_request(AgentConnection *agent, const char *request, TimestampTz *deadline)
{
	size_t		length = strlen(request);
	size_t		sent = 0;

	while (sent < length)
	{
		ssize_t		n = send(agent->fd, request + sent, length - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += n;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		{
			AgentOutcome outcome = wait_for(agent, WL_SOCKET_WRITEABLE, deadline);

			if (outcome != AGENT_ANSWERED)
				return outcome;
		}
		else if (n < 0 && errno != EINTR)
			return AGENT_ENDED;
	}
	return AGENT_ANSWERED;
}

static AgentOutcome
receive_line(AgentConnection *agent, TimestampTz *deadline)
{
	size_t		length = 0;

	for (;;)
	{
		ssize_t		n = recv(agent->fd, agent->line + length, sizeof(agent->line) - length, 0);

		if (n > 0)
		{
			char	   *end = memchr(agent->line + length, '\n', n);

			length += n;
			if (end != NULL)
			{
				/* One request has one answer: more than a line is no answer to it. */
				if (end != agent->line + length - 1)
					return AGENT_MISUNDERSTOOD;
				*end = '\0';
				return AGENT_ANSWERED;
			}
			if (length == sizeof(agent->line))
				return AGENT_MISUNDERSTOOD;
		}
		else if (n == 0)
			return AGENT_ENDED;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
		{
			AgentOutcome outcome = wait_for(agent, WL_SOCKET_READABLE, deadline);

			if (outcome != AGENT_ANSWERED)
				return outcome;
		}
		else if (errno != EINTR)
			return AGENT_ENDED;
	}
}

/* AGENT_ANSWERED: the socket is ready, or may be. */
static AgentOutcome
wait_for(AgentConnection *agent, uint32 event, TimestampTz *deadline)
{
	TimestampTz now = GetCurrentTimestamp();
	long		left_ms;
	int			happened;

	if (ConfigReloadPending)
		*deadline = Min(*deadline, TimestampTzPlusMilliseconds(now, RELOAD_GRACE_MS));
	left_ms = (long) ((*deadline - now) / 1000);
	if (left_ms <= 0)
		return ConfigReloadPending ? AGENT_INTERRUPTED : AGENT_SILENT;

	happened = WaitLatchOrSocket(MyLatch,
								 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | event,
								 agent->fd, left_ms, PG_WAIT_EXTENSION);
	if (happened & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);

		/*
		 * Barriers, above all: other sessions wait until every process has passed them. What is not for
		 * us stays pending; the callback sets the latch again, so that the archiver looks at it.
		 */
		CHECK_FOR_INTERRUPTS();
		if (ShutdownRequestPending)
			return AGENT_INTERRUPTED;
	}
	return AGENT_ANSWERED;
}
