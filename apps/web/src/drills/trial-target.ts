import type { VariablesOf } from "#graphql/graphql.ts";
import { type InstantDraft, readDraft, type TargetKind } from "#restore/restore-instant.ts";
import type { DrillServer } from "./drill-query.ts";

export type TrialTargetInput = NonNullable<VariablesOf<typeof DrillServer>["input"]["target"]>;

/** To where a drill or a clone goes, as a person enters it. */
export interface TrialTargetDraft extends Pick<InstantDraft, "text" | "inclusive" | "timeline"> {
  /** `USUAL`: what happens when nothing is said. */
  readonly kind: TargetKind | "USUAL";
}

export const usualTarget: TrialTargetDraft = { kind: "USUAL", text: "", inclusive: true, timeline: "" };

/** A draft that names an instant, as another page's address hands it over; the usual without one. */
export function draftAt(at: string | null, timeline: string | null): TrialTargetDraft {
  return at === null ? usualTarget : { kind: "TIME", text: at, inclusive: true, timeline: timeline ?? "" };
}

/** The draft as the api takes it; null: nothing is said. A sentence when something is missing or wrong. */
export function readTrialTarget(draft: TrialTargetDraft, zone: string): TrialTargetInput | null | string {
  const { kind } = draft;
  if (kind === "USUAL") return null;
  const read = readDraft({ ...draft, kind, zone, action: "PROMOTE", standby: false });
  if (typeof read === "string") return read;
  const { action: _action, standby: _standby, ...target } = read;
  return target;
}

/** A target in words, as rows keep it: `{ kind: "time", at: … }`. */
export function targetWords(target: unknown): string {
  if (typeof target !== "object" || target === null) return "the end of what there was";
  const { kind, at, lsn, xid, name, inclusive, seconds } = target as Readonly<Record<string, unknown>>;
  const before = inclusive === false ? "just before " : "";
  switch (kind) {
    case "latest":
      return "the end of the archived WAL";
    case "immediate":
      return "the end of the backup";
    case "time":
      return `${before}${String(at)
        .replace("T", " ")
        .replace(/\.000Z$|Z$/, "")} UTC`;
    case "lsn":
      return `${before}${String(lsn)}`;
    case "xid":
      return `${before}transaction ${String(xid)}`;
    case "name":
      return `the restore point ${String(name)}`;
    case "behind":
      return `${String(seconds)} s before the last archived commit`;
    default:
      return String(kind);
  }
}
