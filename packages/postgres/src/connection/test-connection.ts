import { AppError, type Clock, describeError, systemClock } from "@tidemark/kit";
import { instantOf, msOf } from "../server/column-values.ts";
import { readServerInfo } from "../server/server-info.ts";
import { capabilitiesOf, supportedMajors } from "../session/capabilities.ts";
import { ReplicationSession } from "../session/replication-session.ts";
import { SqlSession } from "../session/sql-session.ts";
import type { ConnectionFacts, ConnectionReport } from "./connection-report.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { remedyFor } from "./remedies.ts";
import { StepRecorder } from "./step-recorder.ts";

export interface TestConnectionOptions {
  readonly signal?: AbortSignal | undefined;
  /** For each of the two sessions and each host; 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
  /** For each question after the login; 10,000 unless given. */
  readonly questionTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Finds out whether a backup could be taken with these settings, step by step, and says for the first step that fails
 * what to paste where. Nothing is claimed of later steps. Changes nothing at the server.
 *
 * @throws AppError `cancelled` only; every other failure is part of the report.
 */
export async function testConnection(
  settings: ConnectionSettings,
  options: TestConnectionOptions = {},
): Promise<ConnectionReport> {
  const recorder = new StepRecorder(options.clock ?? systemClock);
  const facts: { -readonly [K in keyof ConnectionFacts]: ConnectionFacts[K] } = {
    address: null,
    tls: null,
    tlsFellBack: false,
    certificate: null,
    clientAddress: null,
    server: null,
    identity: null,
  };
  try {
    await testSql(settings, options, recorder, facts);
    await testReplication(settings, options, recorder, facts);
    testVersion(recorder, facts);
  } catch (error) {
    if (error instanceof AppError && error.code === "cancelled") throw error;
    const failure =
      error instanceof AppError ? error : new AppError("internal", { message: String(error), cause: error });
    const { clientAddress, server } = facts;
    const remedy = remedyFor(failure, {
      ...{ step: recorder.current, settings, clientAddress },
      ...{ maxWalSenders: server?.maxWalSenders ?? null, inRecovery: server?.inRecovery ?? false },
    });
    recorder.fail(failure, describeError(failure), remedy);
  }
  const steps = recorder.finish();
  return { ok: steps.every(({ state }) => state !== "failed"), steps, facts };
}

/** All of it is answered from memory; a person is waiting. */
const defaultQuestionTimeoutMs = 10_000;

type Facts = { -readonly [K in keyof ConnectionFacts]: ConnectionFacts[K] };

async function testSql(
  settings: ConnectionSettings,
  options: TestConnectionOptions,
  recorder: StepRecorder,
  facts: Facts,
): Promise<void> {
  const session = await SqlSession.connect(settings, {
    ...options,
    questionTimeoutMs: options.questionTimeoutMs ?? defaultQuestionTimeoutMs,
    observer: recorder,
  });
  try {
    const { opened } = session;
    if (opened.tls === null && !opened.fellBack) {
      recorder.skip(
        "tls",
        settings.sslMode === "disable" ? "not used (sslmode=disable)" : "not used on this connection",
      );
    }
    facts.address = opened.ip;
    facts.tls = opened.tls?.summary ?? null;
    facts.tlsFellBack = opened.fellBack;
    facts.certificate = opened.tls?.certificate ?? null;
    recorder.done("database", `connected to database "${settings.database}"`);
    // An older one would not understand what is asked next.
    if (!supportedMajors.includes(session.major)) recorder.begin("version");
    capabilitiesOf(session.major);
    recorder.begin("role");
    const question = "SELECT pg_catalog.host(pg_catalog.inet_client_addr()) AS address";
    facts.clientAddress = (await session.query<{ address: string | null }>(question))[0]?.address ?? null;
    facts.server = await readServerInfo(session, { clock: options.clock ?? systemClock });
    recorder.done("role", await testRole(session, settings));
  } finally {
    await session.close();
  }
}

interface RoleRow {
  readonly is_superuser: boolean;
  readonly may_replicate: boolean;
  readonly connection_limit: number;
  readonly sessions: number;
  readonly valid_until_ms: number | null;
}

/**
 * The role exists and may log in, or there would be no session; whether it may replicate is asked. Of the role that logs
 * in: a replication session never takes on another (ALTER ROLE … SET role), as postinit.c looks before it would.
 */
async function testRole(session: SqlSession, settings: ConnectionSettings): Promise<string> {
  const [row] = await session.query<RoleRow>(roleQuestion);
  if (row === undefined) throw new AppError("protocol-violation", { message: "pg_roles does not know our role" });
  if (!row.is_superuser && !row.may_replicate) {
    throw new AppError("replication-not-permitted", {
      message: `the role "${settings.user}" has not the attribute REPLICATION`,
      hint: "the role needs the REPLICATION attribute: ALTER ROLE … REPLICATION",
    });
  }
  const right = row.is_superuser ? "is a superuser" : "has the attribute REPLICATION";
  const limit = row.connection_limit < 0 ? null : row.connection_limit;
  const used = limit === null ? "" : `; ${row.sessions} of its ${limit} connections are in use`;
  const until = instantOf(row.valid_until_ms);
  const ends = until === null ? "" : `; its password is valid until ${until.toISOString()}`;
  return `"${settings.user}" may log in and ${right}${used}${ends}`;
}

const roleQuestion = `
  SELECT r.rolsuper AS is_superuser,
         r.rolreplication AS may_replicate,
         r.rolconnlimit AS connection_limit,
         (SELECT pg_catalog.count(*)::int4 FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid) AS sessions,
         ${msOf("r.rolvaliduntil")} AS valid_until_ms
    FROM pg_catalog.pg_roles r
   WHERE r.rolname = session_user`;

async function testReplication(
  settings: ConnectionSettings,
  options: TestConnectionOptions,
  recorder: StepRecorder,
  facts: Facts,
): Promise<void> {
  recorder.begin("replication");
  const session = await connectReplication(settings, options, facts);
  try {
    facts.identity = await session.identifySystem();
    const { server } = facts;
    const used = server === null ? "" : `; ${server.usedWalSenders} of ${server.maxWalSenders} WAL senders were in use`;
    recorder.done("replication", `a replication session stands (system ${facts.identity.systemIdentifier})${used}`);
  } finally {
    await session.close();
  }
}

/** A server with wal_level=minimal has no WAL senders at all, which is what it complains of; the cause is told instead. */
async function connectReplication(
  settings: ConnectionSettings,
  options: TestConnectionOptions,
  facts: Facts,
): Promise<ReplicationSession> {
  const { signal, timeoutMs } = options;
  const commandTimeoutMs = options.questionTimeoutMs ?? defaultQuestionTimeoutMs;
  try {
    return await ReplicationSession.connect(settings, { signal, timeoutMs, commandTimeoutMs });
  } catch (error) {
    const isMinimal = facts.server?.walLevel === "minimal";
    if (!isMinimal || !(error instanceof AppError) || error.code !== "wal-senders-exhausted") throw error;
    throw new AppError("wal-level-minimal", {
      message: "the server runs with wal_level=minimal, which allows no replication and no online backup",
      hint: "set wal_level = 'replica' and restart the server",
      context: error.context,
      cause: error,
    });
  }
}

function testVersion(recorder: StepRecorder, facts: Facts): void {
  recorder.begin("version");
  const { server } = facts;
  if (server === null) throw new AppError("internal", { message: "the server's version was not asked for" });
  capabilitiesOf(server.major);
  recorder.done("version", `PostgreSQL ${server.versionText} is supported`);
}
