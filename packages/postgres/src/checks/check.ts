import type { AppError, Clock } from "@tidemark/kit";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import type { Remedy } from "../connection/remedy.ts";
import type { TlsFacts } from "../connection/tls.ts";
import type { SystemIdentity } from "../server/identity.ts";
import type { Evidence, EvidencePart } from "./evidence.ts";

/**
 * What a finding means. `blocks-backup`: a backup started now would fail. `blocks-wal`: WAL between backups is not, or
 * soon no longer, received. `risk`: both work, and something may be lost later. `note`: good to know.
 */
export type Severity = "blocks-backup" | "blocks-wal" | "risk" | "note";

/** One look at one thing. `severity` counts when `found`; when `not-asked`, `found` tells why. */
export interface CheckResult {
  readonly id: string;
  /** What is so in good order; when `found`, what is wrong. */
  readonly title: string;
  readonly state: "ok" | "found" | "not-asked";
  readonly severity: Severity;
  /** The setting, view or function that was read. */
  readonly read: string;
  readonly required: string;
  readonly found: string;
  /** Why it matters. */
  readonly why: string;
  /** What ends the finding, or makes the question possible; null when there is nothing to do or nothing to paste. */
  readonly remedy: Remedy | null;
  /** False when `not-asked` since there is no such thing at this server: nothing can be wrong with it, nor be so any more. */
  readonly applies: boolean;
}

/** What the asker knows beside the session: who we are, how we came in, and what we remember of this server. */
export interface CheckContext {
  /** Ours, as registered. */
  readonly connection: ConnectionSettings;
  readonly opened: { readonly tls: TlsFacts | null; readonly fellBack: boolean };
  /** How a replication session of the same role went; null: not tried. */
  readonly replication:
    | { readonly ok: true; readonly identity: SystemIdentity }
    | { readonly ok: false; readonly error: AppError }
    | null;
  readonly known: {
    readonly serverName: string;
    /** Null: never seen before. */
    readonly systemIdentifier: bigint | null;
    /** Another server of ours with this system identifier, by name. */
    readonly registeredAs: string | null;
    readonly isOwnSlot: (name: string) => boolean;
    /** Its backups are taken by reading files over SQL: the replication protocol is not needed for them. */
    readonly readsFiles?: boolean;
    /** A receiver of ours is meant to stream this server's WAL through a permanent slot. */
    readonly streamsWal: boolean;
    /** The name of that slot; `tidemark` unless given. */
    readonly slotName?: string;
  };
  readonly clock: Clock;
}

export type Verdict =
  | { readonly state: "ok"; readonly found: string }
  | {
      readonly state: "found";
      readonly found: string;
      readonly remedy: Remedy | null;
      /** The check's own unless given. */
      readonly severity?: Severity;
      readonly required?: string;
      readonly why?: string;
    }
  | {
      readonly state: "not-asked";
      readonly found: string;
      readonly remedy: Remedy | null;
      readonly applies: boolean;
    };

/** A check as data and a pure function: it reads nothing itself, so that it can be judged on recorded answers. */
export interface Check {
  readonly id: string;
  /** What is so when all is well: the headline of the check. */
  readonly title: string;
  /** What is wrong when it is not: the headline of the finding. */
  readonly problem: string;
  readonly severity: Severity;
  readonly read: string;
  readonly required: string;
  readonly why: string;
  /** Majors on which there is something to ask, both included. */
  readonly majors?: { readonly from?: number; readonly until?: number };
  /** Asked there only; `elsewhere` is the reason given on the other kind. */
  readonly only?: { readonly on: "primary" | "standby"; readonly elsewhere: string };
  /** Read before judging; one that this role may not read makes the check `not-asked`. */
  readonly parts: readonly EvidencePart[];
  judge(evidence: Evidence, context: CheckContext): Verdict;
}

/** Ties the parts a check names to those its judge may look at. */
export function check<const Part extends EvidencePart>(
  definition: Omit<Check, "parts" | "judge"> & {
    readonly parts: readonly Part[];
    judge(evidence: Pick<Evidence, Part | "server">, context: CheckContext): Verdict;
  },
): Check {
  return definition;
}

export function ok(found: string): Verdict {
  return { state: "ok", found };
}

export function found(
  sentence: string,
  remedy: Remedy | null,
  more: { readonly severity?: Severity; readonly required?: string; readonly why?: string } = {},
): Verdict {
  return { state: "found", found: sentence, remedy, ...more };
}

/** What only the replication protocol needs blocks no backup that is taken by reading files. */
export function unlessFilesAreRead(context: CheckContext): { readonly severity?: Severity; readonly why?: string } {
  if (context.known.readsFiles !== true) return {};
  return { severity: "note", why: "backups of this server read its files instead; streaming would be faster" };
}

/** It could not be: `sentence` is the reason; the remedy, if any, makes the question possible. */
export function notAsked(sentence: string, remedy: Remedy | null = null): Verdict {
  return { state: "not-asked", found: sentence, remedy, applies: true };
}

/** There is nothing to ask: what the check looks at does not exist at this server, and `sentence` says so. */
export function notApplicable(sentence: string): Verdict {
  return { state: "not-asked", found: sentence, remedy: null, applies: false };
}
