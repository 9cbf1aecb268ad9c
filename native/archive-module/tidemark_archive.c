/*
 * An archive module (archive_library = 'tidemark_archive') that hands every file of WAL to the Tidemark
 * agent on this host, over a Unix socket, and says that it is archived when the agent says that it is
 * durable. No process is started for a segment, and no WAL is read here.
 *
 * Whatever goes wrong, the answer is false and a WARNING: the server keeps the file and asks again.
 */
#include "postgres.h"

#if PG_VERSION_NUM >= 160000
#include "archive/archive_module.h"
#else
#include "postmaster/pgarch.h"
#endif
#include "agent_connection.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

static char *socket_path = NULL;
static int	timeout_s = 150;

/* One archiver, one connection. 16 and later could keep it in the module's state, and would gain nothing. */
static AgentConnection agent;

static const char *socket_problem(void);
static bool is_configured(void);
static bool archive_file(const char *file, const char *path);
static void report_failure(AgentOutcome outcome, const char *file, int save_errno);
static void report_refusal(const char *file, const char *answer);
static const char *hint_for(const char *code);

void
_PG_init(void)
{
	DefineCustomStringVariable("tidemark_archive.socket",
							   "Path of the Unix socket on which \"tidemark wal agent\" listens.",
							   "While it is empty nothing is archived, and the server keeps its WAL.",
							   &socket_path, "", PGC_SIGHUP, 0, NULL, NULL, NULL);

	/* The agent gives up by itself after 120 seconds, and then says why. */
	DefineCustomIntVariable("tidemark_archive.timeout",
							"How long to wait for the agent to store one file.",
							"It should be longer than the agent itself keeps trying.",
							&timeout_s, 150, 5, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("tidemark_archive");
	agent_init(&agent);
}

/*
 * Not in a check hook: what an archiver refuses at a reload is said nowhere (set_config_option logs it at DEBUG3 in a
 * child of the postmaster, which does not know this module), and it would go on with the value before.
 */
static const char *
socket_problem(void)
{
	if (socket_path == NULL || socket_path[0] == '\0')
		return "is not set";
	if (socket_path[0] != '/')
		return "is no absolute path";
	if (strlen(socket_path) > AGENT_SOCKET_MAX)
		return "is longer than the path of a socket may be";
	return NULL;
}

static bool
is_configured(void)
{
	const char *problem = socket_problem();

	if (problem == NULL)
		return true;
#ifdef arch_module_check_errdetail
	arch_module_check_errdetail("\"%s\" %s: it has to be the path of the socket of \"tidemark wal agent\".",
								"tidemark_archive.socket", problem);
#else
	ereport(WARNING,
			(errmsg("\"%s\" %s", "tidemark_archive.socket", problem),
			 errhint("Set it to the path of the socket of \"tidemark wal agent\".")));
#endif
	return false;
}

/* "path" is relative to the data directory. */
static bool
archive_file(const char *file, const char *path)
{
	static char request[AGENT_LINE_MAX + 1];
	AgentOutcome outcome;
	int			length;
	int			save_errno;
	bool		archived = false;

	length = snprintf(request, sizeof(request), "ARCHIVE %s %s/%s\n", file, DataDir, path);
	if (length < 0 || length > AGENT_LINE_MAX || strchr(request, '\n') != request + length - 1)
	{
		ereport(WARNING,
				(errmsg("could not archive \"%s\": the agent cannot be told its path", file),
				 errdetail("The data directory's path is too long, or has a line end in it.")));
		return false;
	}

	outcome = agent_ask(&agent, socket_path, request, timeout_s * 1000);
	save_errno = errno;

	/*
	 * While we waited we may have taken a wake-up that was meant for the archiver: its last round before a
	 * shutdown, say, for which it would else wait out its minute. It looks again when nothing was.
	 */
	SetLatch(MyLatch);

	if (outcome != AGENT_ANSWERED)
		report_failure(outcome, file, save_errno);
	else if (strcmp(agent.line, "OK") == 0)
	{
		ereport(DEBUG1, (errmsg("archived \"%s\" through the Tidemark agent", file)));
		archived = true;
	}
	else
		report_refusal(file, agent.line);
	return archived;
}

static void
report_failure(AgentOutcome outcome, const char *file, int save_errno)
{
	switch (outcome)
	{
		case AGENT_UNREACHABLE:
			errno = save_errno;
			ereport(WARNING,
					(errmsg("could not archive \"%s\": no Tidemark agent at \"%s\": %m", file, socket_path),
					 errdetail("The file is kept, and tried again."),
					 errhint("Is \"tidemark wal agent\" running, may the server's user connect to it, and is \"%s\" its socket?",
							 "tidemark_archive.socket")));
			break;
		case AGENT_ENDED:
			ereport(WARNING,
					(errmsg("could not archive \"%s\": the Tidemark agent ended the connection", file),
					 errdetail("Whether it was stored is not known. The file is kept, and tried again.")));
			break;
		case AGENT_SILENT:
			ereport(WARNING,
					(errmsg("could not archive \"%s\": the Tidemark agent did not answer in time", file),
					 errdetail("Whether it was stored is not known. The file is kept, and tried again."),
					 errhint("Look at the agent's log. \"%s\" is how long an answer may take.",
							 "tidemark_archive.timeout")));
			break;
		case AGENT_MISUNDERSTOOD:
			ereport(WARNING,
					(errmsg("could not archive \"%s\": what listens at \"%s\" does not answer as a Tidemark agent",
							file, socket_path),
					 errhint("Set \"%s\" to the socket of \"tidemark wal agent\", of a version that fits this module.",
							 "tidemark_archive.socket")));
			break;
		case AGENT_INTERRUPTED:
			ereport(LOG,
					(errmsg("stopped waiting for \"%s\" to be archived: the server was asked to stop or to reload", file),
					 errdetail("The file is kept, and tried again.")));
			break;
		case AGENT_ANSWERED:
			break;
	}
}

/* "ERROR <code> <sentence>", or something else altogether. */
static void
report_refusal(const char *file, const char *answer)
{
	char		code[64];
	const char *sentence;
	const char *hint;

	if (strncmp(answer, "ERROR ", 6) != 0)
	{
		agent_close(&agent);
		report_failure(AGENT_MISUNDERSTOOD, file, 0);
		return;
	}
	answer += 6;
	sentence = strchr(answer, ' ');
	snprintf(code, sizeof(code), "%.*s",
			 (int) (sentence == NULL ? strlen(answer) : (size_t) (sentence - answer)), answer);
	hint = hint_for(code);
	ereport(WARNING,
			(errmsg("could not archive \"%s\": %s", file, sentence == NULL ? code : sentence + 1),
			 errdetail("The Tidemark agent answered %s. The file is kept, and tried again.", code),
			 hint == NULL ? 0 : errhint("%s", hint)));
}

/* What asking again does not help against: docs/archive-protocol.md. */
static const char *
hint_for(const char *code)
{
	if (strcmp(code, "wal-conflict") == 0)
		return "Other bytes are stored under this name. Another server may archive into the same place, or this one was put back to an earlier state.";
	if (strcmp(code, "wal-foreign-server") == 0)
		return "The agent's settings are those of another server. Make them anew with \"tidemark server host-config\".";
	if (strcmp(code, "bad-request") == 0)
		return "The agent is of a version that does not fit this module.";
	return NULL;
}

#if PG_VERSION_NUM >= 160000

static bool
check_configured_cb(ArchiveModuleState *state)
{
	return is_configured();
}

static bool
archive_file_cb(ArchiveModuleState *state, const char *file, const char *path)
{
	return archive_file(file, path);
}

static void
startup_cb(ArchiveModuleState *state)
{
	state->private_data = &agent;
}

static void
shutdown_cb(ArchiveModuleState *state)
{
	agent_close(&agent);
	state->private_data = NULL;
}

static const ArchiveModuleCallbacks callbacks = {
	.startup_cb = startup_cb,
	.check_configured_cb = check_configured_cb,
	.archive_file_cb = archive_file_cb,
	.shutdown_cb = shutdown_cb
};

const ArchiveModuleCallbacks *
_PG_archive_module_init(void)
{
	return &callbacks;
}

#else

/* 15: no state, and no callback at the start. */
static void
shutdown_cb(void)
{
	agent_close(&agent);
}

void
_PG_archive_module_init(ArchiveModuleCallbacks *callbacks)
{
	callbacks->check_configured_cb = is_configured;
	callbacks->archive_file_cb = archive_file;
	callbacks->shutdown_cb = shutdown_cb;
}

#endif
