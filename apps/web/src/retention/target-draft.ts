import { formatDuration, parseDuration } from "@tidemark/kit/units";

/** A policy's targets as they are being typed; an empty field is a target that is not there. */
export interface TargetDraft {
  readonly rpo: string;
  readonly rto: string;
  readonly proofDays: string;
  readonly verifyDays: string;
}

export const noTargets: TargetDraft = { rpo: "", rto: "", proofDays: "", verifyDays: "" };

interface Targets {
  readonly rpoTargetSeconds: number | null;
  readonly rtoTargetSeconds: number | null;
  readonly proofDays: number | null;
  readonly verifyDays: number | null;
}

/** Saved targets, ready to be changed. */
export function targetDraftOf(targets: Targets): TargetDraft {
  const duration = (seconds: number | null) => (seconds === null ? "" : formatDuration(seconds * 1_000));
  return {
    rpo: duration(targets.rpoTargetSeconds),
    rto: duration(targets.rtoTargetSeconds),
    proofDays: `${targets.proofDays ?? ""}`,
    verifyDays: `${targets.verifyDays ?? ""}`,
  };
}

/** The draft as the api takes it; null while a duration in it cannot be read. */
export function toTargetsInput(draft: TargetDraft): Targets | null {
  const rpoTargetSeconds = readSeconds(draft.rpo);
  const rtoTargetSeconds = readSeconds(draft.rto);
  if (rpoTargetSeconds === undefined || rtoTargetSeconds === undefined) return null;
  const whole = (text: string) => (text.trim() === "" ? null : Number(text));
  return { rpoTargetSeconds, rtoTargetSeconds, proofDays: whole(draft.proofDays), verifyDays: whole(draft.verifyDays) };
}

/** What is wrong with a duration that was typed; null: nothing. */
export function durationProblem(text: string): string | null {
  return readSeconds(text) === undefined ? "Write it as 90 s, 5 min, 2 h or 1 d." : null;
}

function readSeconds(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  const durationMs = parseDuration(text);
  return durationMs === null || durationMs % 1_000 !== 0 ? undefined : durationMs / 1_000;
}
