import { AppError, type Clock } from "@tidemark/kit";
import { type ArchiverState, readArchiver } from "./archiver.ts";
import type { Asker, UnreadableSection } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";
import { type ConfigurationFile, readConfigurationFiles } from "./configuration-files.ts";
import { type Extension, readExtensions } from "./extensions.ts";
import { type RecoveryState, readRecovery } from "./recovery.ts";
import { type ReplicationClient, readReplication } from "./replication.ts";
import { readServerInfo, type ServerInfo, type ServerValidity, serverValidity } from "./server-info.ts";
import { readSlots, type Slot } from "./slots.ts";
import { readSynchronousStandbys, type SynchronousStandbys } from "./synchronous-standbys.ts";
import { readTablespaces, type Tablespace } from "./tablespaces.ts";
import { readWalPosition, type WalPosition } from "./wal-position.ts";

/** Everything a poll learns of a server. A null section may not be read by this role; `unreadable` says why. */
export interface ServerInspection {
  /** By our clock, at the first question. */
  readonly observedAt: Date;
  readonly info: ServerInfo;
  readonly validity: ServerValidity;
  readonly extensions: readonly Extension[] | null;
  readonly tablespaces: readonly Tablespace[] | null;
  readonly configurationFiles: readonly ConfigurationFile[] | null;
  /** Also null, and not unreadable, on a standby that has replayed nothing yet. */
  readonly wal: WalPosition | null;
  /** Also null, and not unreadable, on a primary. */
  readonly recovery: RecoveryState | null;
  readonly archiver: ArchiverState | null;
  readonly slots: readonly Slot[] | null;
  readonly replication: readonly ReplicationClient[] | null;
  readonly synchronousStandbys: SynchronousStandbys | null;
  readonly unreadable: readonly UnreadableSection[];
}

export interface InspectServerOptions {
  readonly clock: Clock;
  /** Which slots are ours, by name. */
  readonly ownSlots?: ((name: string) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads all facts of a server for a poll: one statement each, no size function however many databases there are, and
 * none that is refused (a refusal would stand in the server's log each time): what the role may read is asked first.
 *
 * Needs: any login; pg_monitor for all of it.
 *
 * @throws AppError of a lost session, a cancelled question or a server that fails; a missing privilege never.
 */
export async function inspectServer(asker: Asker, options: InspectServerOptions): Promise<ServerInspection> {
  const { clock, signal } = options;
  const observedAt = clock.now();
  const role = await readAskingRole(asker);
  const info = await readServerInfo(asker, { clock, role });
  const unreadable: UnreadableSection[] = hiddenParts(role);
  const section = async <T>(name: string, read: () => Promise<T>): Promise<T | null> => {
    if (signal?.aborted === true) throw new AppError("cancelled", { message: "the inspection was cancelled" });
    try {
      return await read();
    } catch (error) {
      // A right that was revoked by hand, and the one value only a newer server can have.
      if (!(error instanceof AppError) || !(error.code === "privilege-missing" || error.code === "setting-invalid")) {
        throw error;
      }
      unreadable.push({ section: name, code: error.code, message: error.message });
      return null;
    }
  };
  return {
    observedAt,
    info,
    validity: serverValidity(info),
    extensions: await section("extensions", () => readExtensions(asker)),
    tablespaces: await section("tablespaces", () => readTablespaces(asker)),
    configurationFiles: role.readsAllSettings
      ? await section("configurationFiles", () => readConfigurationFiles(asker, role))
      : null,
    wal: await section("wal", () => readWalPosition(asker)),
    recovery: info.inRecovery ? await section("recovery", () => readRecovery(asker, role)) : null,
    archiver: await section("archiver", () => readArchiver(asker)),
    slots: await section("slots", () => readSlots(asker, { role, isOwn: options.ownSlots })),
    replication: await section("replication", () => readReplication(asker)),
    synchronousStandbys: await section("synchronousStandbys", () => readSynchronousStandbys(asker)),
    unreadable,
  };
}

/** What this role will not see, known before it is asked for. */
function hiddenParts(role: AskingRole): UnreadableSection[] {
  const lacks = (section: string, what: string): UnreadableSection => ({
    section,
    code: "privilege-missing",
    message: `the role "${role.name}" lacks ${what}`,
  });
  const hidden: UnreadableSection[] = [];
  if (!role.readsControl) {
    hidden.push(lacks("info", "EXECUTE on pg_control_system(), pg_control_checkpoint() or pg_control_recovery()"));
  }
  if (!role.readsAllSettings) {
    hidden.push(lacks("info", "pg_read_all_settings, which data_directory needs"));
    hidden.push(lacks("configurationFiles", "pg_read_all_settings"));
  }
  if (!role.readsAllStats) {
    hidden.push(lacks("replication", "pg_read_all_stats: clients are counted, what they do is hidden"));
    hidden.push(lacks("recovery", "pg_read_all_stats, which the WAL receiver's state needs"));
  }
  return hidden;
}
