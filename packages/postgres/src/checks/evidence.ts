import { AppError } from "@tidemark/kit";
import type { Remedy } from "../connection/remedy.ts";
import type { PrivilegeReport } from "../privileges/privilege-report.ts";
import { readPrivileges } from "../privileges/read-privileges.ts";
import { type ArchiverState, readArchiver } from "../server/archiver.ts";
import type { Asker } from "../server/asker.ts";
import { type RecoveryState, readRecovery } from "../server/recovery.ts";
import { type ReplicationClient, readReplication } from "../server/replication.ts";
import { readSlots, type Slot } from "../server/slots.ts";
import {
  type ActiveBackup,
  type PreparedTransaction,
  readActiveBackups,
  readExclusiveBackup,
  readPreparedTransactions,
} from "./activity-evidence.ts";
import type { CheckContext } from "./check.ts";
import {
  type CollationMismatch,
  type ExtensionLibrary,
  readCollations,
  readLibraries,
  readTablespaces,
  type TablespaceEvidence,
} from "./contents-evidence.ts";
import {
  type ControlEvidence,
  grantControl,
  readControl,
  readMarkers,
  readServer,
  type ServerEvidence,
} from "./server-evidence.ts";
import {
  type ConfigurationError,
  grantConfigurationViews,
  type RoleEvidence,
  readConfigurationErrors,
  readPendingSettings,
  readRole,
  readSettings,
  type Settings,
} from "./settings-evidence.ts";

/** Everything the checks look at. Each part is one statement, asked once, and only when a check wants it. */
export interface Evidence {
  /** Always read. */
  readonly server: ServerEvidence;
  readonly activeBackups: readonly ActiveBackup[];
  readonly archiver: ArchiverState;
  readonly collations: readonly CollationMismatch[];
  readonly configurationErrors: readonly ConfigurationError[];
  readonly control: ControlEvidence;
  /** When the exclusive backup began that is under way (13, 14); null: none is. */
  readonly exclusiveBackup: Date | null;
  readonly libraries: readonly ExtensionLibrary[];
  /** Names of settings and roles that only a managed service has. */
  readonly markers: readonly string[];
  /** Names of settings that wait for a restart. */
  readonly pendingSettings: readonly string[];
  readonly preparedTransactions: readonly PreparedTransaction[];
  readonly privileges: PrivilegeReport;
  /** Null on a primary. */
  readonly recovery: RecoveryState | null;
  readonly role: RoleEvidence;
  readonly senders: readonly ReplicationClient[];
  readonly settings: Settings;
  readonly slots: readonly Slot[];
  readonly tablespaces: readonly TablespaceEvidence[];
}

export type EvidencePart = Exclude<keyof Evidence, "server">;

/** A part, or why this role does not get it. */
export type Reading<Value> =
  | { readonly readable: true; readonly value: Value }
  | { readonly readable: false; readonly reason: string; readonly remedy: Remedy | null };

/** Reads parts when first asked for, and each once, also when it could not be read. */
export class EvidenceReader {
  readonly #asker: Asker;
  readonly #server: ServerEvidence;
  readonly #readings = new Map<EvidencePart, Promise<Reading<unknown>>>();

  private constructor(asker: Asker, server: ServerEvidence) {
    this.#asker = asker;
    this.#server = server;
  }

  static async open(asker: Asker, context: Pick<CheckContext, "clock">): Promise<EvidenceReader> {
    return new EvidenceReader(asker, await readServer(asker, context.clock));
  }

  get server(): ServerEvidence {
    return this.#server;
  }

  /**
   * @throws AppError `connection-lost`, `cancelled`: what has nothing to do with this part. A refusal is a reading.
   */
  async read(part: EvidencePart): Promise<Reading<unknown>> {
    const known = this.#readings.get(part);
    if (known !== undefined) return await known;
    const reading = this.#ask(part);
    this.#readings.set(part, reading);
    return await reading;
  }

  async #ask(part: EvidencePart): Promise<Reading<unknown>> {
    try {
      return { readable: true, value: await readers[part](this.#asker, this.#server) };
    } catch (error) {
      if (!(error instanceof AppError) || !refusals.has(error.code)) throw error;
      const remedy = error.code === "privilege-missing" ? grantFor(part, this.#server) : null;
      return { readable: false, reason: `it could not be read: ${error.message}`, remedy };
    }
  }
}

/** `server-error`: services that are not quite PostgreSQL lack functions; the check is then not asked, never good. */
const refusals: ReadonlySet<string> = new Set(["privilege-missing", "server-error"]);

const readers: {
  readonly [Part in EvidencePart]: (asker: Asker, server: ServerEvidence) => Promise<Evidence[Part]>;
} = {
  activeBackups: readActiveBackups,
  archiver: (asker) => readArchiver(asker),
  collations: readCollations,
  configurationErrors: readConfigurationErrors,
  control: readControl,
  exclusiveBackup: readExclusiveBackup,
  libraries: readLibraries,
  markers: readMarkers,
  pendingSettings: readPendingSettings,
  preparedTransactions: readPreparedTransactions,
  privileges: (asker) => readPrivileges(asker),
  recovery: (asker, { asking }) => readRecovery(asker, asking),
  role: readRole,
  senders: readReplication,
  settings: readSettings,
  slots: (asker, { asking }) => readSlots(asker, { role: asking }),
  tablespaces: readTablespaces,
};

/** What makes a part readable that PostgreSQL keeps from PUBLIC, or that somebody took from it. */
function grantFor(part: EvidencePart, server: ServerEvidence): Remedy | null {
  if (part === "configurationErrors") return { sql: grantConfigurationViews(server) };
  return part === "control" ? { sql: grantControl(server) } : null;
}
