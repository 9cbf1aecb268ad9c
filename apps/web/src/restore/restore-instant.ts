import type { VariablesOf } from "#graphql/graphql.ts";
import { parseZonedInstant } from "#recovery/zoned-instant.ts";
import type { PlanRestore } from "./restore-query.ts";

/** To when; how the WAL comes to it is chosen with the place. */
export type RecoveryInput = Omit<
  NonNullable<VariablesOf<typeof PlanRestore>["input"]["recovery"]>,
  "wal" | "fetchConfig"
>;
export type TargetKind = RecoveryInput["kind"];

/** What a person entered on "To when", as text. */
export interface InstantDraft {
  readonly kind: TargetKind;
  /** A time by `zone`'s clock, an LSN, a transaction id or a restore point's name, as the kind has it. */
  readonly text: string;
  readonly zone: string;
  readonly inclusive: boolean;
  /** Empty: the newest that can be reached. */
  readonly timeline: string;
  readonly action: NonNullable<RecoveryInput["action"]>;
  readonly standby: boolean;
}

/** What an address names as the target: an instant as RFC 3339, or a transaction with the end of its commit record. */
export interface LinkedTarget {
  readonly at: string | null;
  readonly xid: string | null;
  readonly lsn: string | null;
  readonly inclusive: boolean;
  readonly timeline: string | null;
}

/** What stands there before a person writes anything. */
export function linkedDraft({ at, xid, inclusive, timeline }: LinkedTarget): Omit<InstantDraft, "zone"> {
  const kind = xid !== null ? "XID" : at !== null ? "TIME" : "LATEST";
  return {
    ...{ kind, text: xid ?? at ?? "", timeline: timeline ?? "", action: "PROMOTE", standby: false },
    inclusive: inclusive || kind === "LATEST",
  };
}

/** What is looked up. Where a linked transaction ended is said with it: it may be anywhere in the WAL otherwise. */
export function askedTarget(
  { standby: _, ...recovery }: RecoveryInput,
  linked: LinkedTarget,
): Omit<RecoveryInput, "standby"> {
  const isLinked =
    recovery.kind === "XID" && recovery.xid === linked.xid && String(recovery.timeline) === linked.timeline;
  return isLinked && linked.lsn !== null ? { ...recovery, lsn: linked.lsn } : recovery;
}

/** What each kind asks for; null: nothing. */
export const targetKinds: Readonly<
  Record<TargetKind, { readonly title: string; readonly label: string | null; readonly hint: string }>
> = {
  TIME: {
    title: "An instant",
    label: "Instant",
    hint: "As 2026-11-21 14:02:31, with an offset (+01:00) for another zone. What was committed when is by the server's clock.",
  },
  LATEST: { title: "The latest there is", label: null, hint: "The end of the WAL that is durable here." },
  NAME: { title: "A restore point", label: "Name of the restore point", hint: "As it was given when it was made." },
  XID: { title: "A transaction", label: "Transaction id", hint: "As pg_current_xact_id() or the server's log say it." },
  LSN: { title: "A place in the WAL", label: "LSN", hint: "As 16/B374D848." },
  IMMEDIATE: { title: "The end of a backup", label: null, hint: "As soon as the newest backup is consistent." },
};

/** Kinds of which one says whether what is named is there afterwards. */
export const takesInclusive: ReadonlySet<TargetKind> = new Set(["TIME", "LSN", "XID"]);

/** The draft as the api takes it; a sentence when something is missing or wrong. */
export function readDraft(draft: InstantDraft): RecoveryInput | string {
  const { kind, inclusive, timeline, action, standby } = draft;
  const text = draft.text.trim();
  const common = {
    kind,
    ...(takesInclusive.has(kind) ? { inclusive } : {}),
    ...(timeline === "" ? {} : { timeline: Number(timeline) }),
    ...(standby ? { standby } : { action }),
  };
  switch (kind) {
    case "LATEST":
    case "IMMEDIATE":
      return common;
    case "TIME": {
      const ms = parseZonedInstant(text, draft.zone);
      return ms === null ? "Write the instant as 2026-11-21 14:02:31" : { ...common, at: new Date(ms).toISOString() };
    }
    case "LSN":
      return /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(text)
        ? { ...common, lsn: text }
        : "Write the LSN as 16/B374D848";
    case "XID":
      return /^\d{1,20}$/.test(text) ? { ...common, xid: text } : "Write the transaction id as a number";
    case "NAME":
      return text === "" ? "Say which restore point" : { ...common, name: text };
  }
}
