import { formatDuration, parseDuration } from "@tidemark/kit/units";

/** A policy's targets as they are being typed; an empty field is the usual one, or none where nothing is usual. */
export interface TargetDraft {
  /** No target, whatever is typed. */
  readonly anyLoss: boolean;
  readonly proofForEver: boolean;
  readonly rpo: string;
  readonly rto: string;
  readonly proofDays: string;
  readonly verifyDays: string;
}

export const noTargets: TargetDraft = {
  ...{ anyLoss: false, proofForEver: false },
  ...{ rpo: "", rto: "", proofDays: "", verifyDays: "" },
};

interface Targets {
  readonly rpoTargetSeconds: number | null;
  readonly rtoTargetSeconds: number | null;
  readonly proofDays: number | null;
  readonly verifyDays: number | null;
}

/** Saved targets, ready to be changed. */
export function targetDraftOf(targets: Targets): TargetDraft {
  const duration = (seconds: number | null) =>
    seconds === null || seconds === none ? "" : formatDuration(seconds * 1_000);
  return {
    anyLoss: targets.rpoTargetSeconds === none,
    proofForEver: targets.proofDays === none,
    rpo: duration(targets.rpoTargetSeconds),
    rto: duration(targets.rtoTargetSeconds),
    proofDays: targets.proofDays === none ? "" : `${targets.proofDays ?? ""}`,
    verifyDays: `${targets.verifyDays ?? ""}`,
  };
}

/** The draft as the api takes it; null while a duration in it cannot be read. */
export function toTargetsInput(draft: TargetDraft): Targets | null {
  const rpoTargetSeconds = draft.anyLoss ? none : readSeconds(draft.rpo);
  const rtoTargetSeconds = readSeconds(draft.rto);
  if (rpoTargetSeconds === undefined || rtoTargetSeconds === undefined) return null;
  const whole = (text: string) => (text.trim() === "" ? null : Number(text));
  const proofDays = draft.proofForEver ? none : whole(draft.proofDays);
  return { rpoTargetSeconds, rtoTargetSeconds, proofDays, verifyDays: whole(draft.verifyDays) };
}

/** As the api has a target that shall not be; null is the usual one there. */
const none = 0;

/** What is wrong with a duration that was typed; null: nothing. */
export function durationProblem(text: string): string | null {
  return readSeconds(text) === undefined ? "Write it as 90 s, 5 min, 2 h or 1 d." : null;
}

function readSeconds(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  const durationMs = parseDuration(text);
  return durationMs === null || durationMs % 1_000 !== 0 ? undefined : durationMs / 1_000;
}
