import { PrivilegesResult, type ServerCheckResult, type ServerSnapshotDocument } from "@tidemark/jobs";
import { AppError, describeError } from "@tidemark/kit";
import type { BackupMethod, Server, ServerContact } from "@tidemark/metadata";
import { walSlotOf } from "@tidemark/metadata";
import {
  askAgain,
  type CheckContext,
  type ConnectionSettings,
  inspectServer,
  mayReadFiles,
  ReplicationSession,
  readPrivileges,
  runServerChecks,
  SqlSession,
  testConnection,
} from "@tidemark/postgres";
import type { WorkerDeps } from "../worker-deps.ts";
import { type ConnectionTrouble, checkResultOf, connectionCheck } from "./check-result.ts";
import { isOwnSlot } from "./own-slots.ts";
import { snapshotDocument } from "./snapshot-document.ts";

/** What is remembered of the server that is looked at; nulls for one that is not registered yet. */
export interface KnownServer {
  readonly id: string | null;
  readonly name: string;
  /** Decimal text of the u64. */
  readonly systemIdentifier: string | null;
  /** Null: not chosen yet; files are then read where the replication protocol cannot be used. */
  readonly backupMethod: BackupMethod | null;
  /** Null: not registered yet. */
  readonly walMode: Server["walMode"] | null;
  readonly walSlot: string | null;
}

export interface LookOptions {
  /** Only these checks; the rest of the server is not read then. Null: everything. */
  readonly checkIds: readonly string[] | null;
  readonly signal: AbortSignal;
}

/** What one look found out. */
export interface ServerLook {
  /** When it began, by the metadata database's clock, which all workers share. */
  readonly observedAt: Date;
  /** Null when only some checks were asked. */
  readonly document: ServerSnapshotDocument | null;
  readonly contact: ServerContact | null;
  /**
   * The replication protocol cannot be used, a low-level backup that reads the files can be taken instead, and nobody
   * chose otherwise. False when only some checks were asked.
   */
  readonly onlyByFiles: boolean;
  /** The connection's first. */
  readonly checks: readonly ServerCheckResult[];
  /** Which of them ask for something that does not exist at this server, by id: what was once found there is over. */
  readonly inapplicable: readonly string[];
}

export type LookOutcome =
  | { readonly kind: "looked"; readonly look: ServerLook }
  /** The server could not be asked. */
  | { readonly kind: "trouble"; readonly observedAt: Date; readonly trouble: ConnectionTrouble };

type LookDeps = Pick<WorkerDeps, "metadata" | "clock" | "logger">;

/**
 * Looks at a server, or finds out step by step why it cannot be looked at. Changes nothing there and asks for no sizes.
 * Throws what has nothing to do with the connection: a question that was refused, `cancelled`, `metadata-unreachable`.
 */
export async function lookOrExplain(
  deps: LookDeps,
  settings: ConnectionSettings,
  known: KnownServer,
  options: LookOptions,
): Promise<LookOutcome> {
  try {
    return { kind: "looked", look: await lookAtServer(deps, settings, known, options) };
  } catch (error) {
    if (!(error instanceof AppError) || ownCodes.has(error.code) || options.signal.aborted) throw error;
    const observedAt = await deps.metadata.instance.now();
    const report = await testConnection(settings, { signal: options.signal, clock: deps.clock });
    const failed = report.steps.find((step) => step.state === "failed");
    // It lets us in (again): what failed was a question.
    if (failed === undefined) throw error;
    const trouble = { error: failed.error ?? describeError(error), remedy: failed.remedy ?? null };
    return { kind: "trouble", observedAt, trouble };
  }
}

const ownCodes: ReadonlySet<string> = new Set(["cancelled", "metadata-unreachable", "internal"]);

/** One SQL session and, for a moment, one replication session of the same role. */
export async function lookAtServer(
  deps: LookDeps,
  settings: ConnectionSettings,
  known: KnownServer,
  { checkIds, signal }: LookOptions,
): Promise<ServerLook> {
  return await askAgain(
    () => SqlSession.connect(settings, { signal, logger: deps.logger }),
    (session) => lookOver(deps, session, settings, known, { checkIds, signal }),
    { attempts: 2, signal, logger: deps.logger },
  );
}

async function lookOver(
  deps: LookDeps,
  session: SqlSession,
  settings: ConnectionSettings,
  known: KnownServer,
  { checkIds, signal }: LookOptions,
): Promise<ServerLook> {
  const observedAt = await deps.metadata.instance.now();
  const whole = checkIds === null ? await readWhole(deps, session, signal) : null;
  const replication = await tryReplication(settings, signal);
  const onlyByFiles =
    known.backupMethod !== "stream" && !replication.ok && whole !== null && canReadFiles(whole.document);
  const found = replication.ok ? String(replication.identity.systemIdentifier) : null;
  const context: CheckContext = {
    connection: settings,
    opened: session.opened,
    replication,
    known: {
      serverName: known.name,
      systemIdentifier: known.systemIdentifier === null ? null : BigInt(known.systemIdentifier),
      registeredAs: await otherOf(deps, known, found ?? whole?.contact?.systemIdentifier ?? known.systemIdentifier),
      isOwnSlot,
      streamsWal: known.walMode === "stream",
      ...(known.id === null ? {} : { slotName: walSlotOf({ id: known.id, walSlot: known.walSlot }) }),
      readsFiles: known.backupMethod === null ? onlyByFiles : known.backupMethod !== "stream",
    },
    clock: deps.clock,
  };
  const only = checkIds === null ? undefined : checkIds;
  const checks = await runServerChecks(session, context, only);
  return {
    observedAt,
    document: whole?.document ?? null,
    contact: whole?.contact ?? null,
    onlyByFiles,
    checks: [connectionCheck(null), ...checks.map(checkResultOf)],
    inapplicable: checks.filter(({ applies }) => !applies).map(({ id }) => id),
  };
}

async function readWhole(
  deps: LookDeps,
  session: SqlSession,
  signal: AbortSignal,
): Promise<{ readonly document: ServerSnapshotDocument; readonly contact: ServerContact | null }> {
  const inspection = await inspectServer(session, { clock: deps.clock, ownSlots: isOwnSlot, signal });
  const privileges = PrivilegesResult.parse(await readPrivileges(session));
  const { info } = inspection;
  const contact =
    info.systemIdentifier === null
      ? null
      : {
          systemIdentifier: String(info.systemIdentifier),
          serverVersion: info.versionText,
          majorVersion: info.major,
          inRecovery: info.inRecovery,
          // Never asked for by a look: the functions that add up sizes read every file's.
          sizeBytes: null,
        };
  return { document: snapshotDocument(inspection, privileges), contact };
}

/** How a replication session of this role goes, without taking a WAL sender for longer than the question. */
async function tryReplication(
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<NonNullable<CheckContext["replication"]>> {
  try {
    const session = await ReplicationSession.connect(settings, { signal });
    try {
      return { ok: true, identity: await session.identifySystem() };
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "cancelled" || error.code === "internal") throw error;
    return { ok: false, error };
  }
}

function canReadFiles({ info, privileges }: ServerSnapshotDocument): boolean {
  return info.walLevel !== "minimal" && mayReadFiles(privileges);
}

/**
 * Another server of ours with this system identifier, by name. Not of a server that was registered with it: that was
 * confirmed then, as a copy that goes its own way.
 */
async function otherOf(deps: LookDeps, known: KnownServer, identifier: string | null): Promise<string | null> {
  if (identifier === null || identifier === known.systemIdentifier) return null;
  const others = await deps.metadata.servers.findBySystemIdentifier(identifier);
  return others.find((other) => other.id !== known.id)?.name ?? null;
}
