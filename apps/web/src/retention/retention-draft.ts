/** A policy as it is being typed; an empty field is a rule that is not there. */
export interface RetentionDraft {
  readonly keepLast: string;
  readonly windowDays: string;
  readonly daily: string;
  readonly weekly: string;
  readonly monthly: string;
  readonly yearly: string;
  readonly minimum: string;
  readonly timeZone: string;
  /** Rules as another tool writes them; they stand instead of the numbers. */
  readonly text: string;
}

export const noRules: RetentionDraft = {
  keepLast: "",
  windowDays: "",
  daily: "",
  weekly: "",
  monthly: "",
  yearly: "",
  minimum: "1",
  timeZone: "UTC",
  text: "",
};

interface Rules {
  readonly keepLast: number | null;
  readonly windowDays: number | null;
  readonly daily: number | null;
  readonly weekly: number | null;
  readonly monthly: number | null;
  readonly yearly: number | null;
  readonly minimum: number;
  readonly timeZone: string;
}

/** A saved policy, ready to be changed. */
export function draftOf(rules: Rules): RetentionDraft {
  return {
    keepLast: `${rules.keepLast ?? ""}`,
    windowDays: `${rules.windowDays ?? ""}`,
    daily: `${rules.daily ?? ""}`,
    weekly: `${rules.weekly ?? ""}`,
    monthly: `${rules.monthly ?? ""}`,
    yearly: `${rules.yearly ?? ""}`,
    minimum: `${rules.minimum}`,
    timeZone: rules.timeZone,
    text: "",
  };
}

/** The draft as the api takes it. */
export function toRetentionInput(draft: RetentionDraft) {
  const whole = (text: string) => (text.trim() === "" ? null : Number(text));
  const rest = { minimum: whole(draft.minimum), timeZone: draft.timeZone.trim() === "" ? null : draft.timeZone.trim() };
  if (draft.text.trim() !== "") return { ...rest, text: draft.text.trim() };
  return {
    ...rest,
    keepLast: whole(draft.keepLast),
    windowDays: whole(draft.windowDays),
    daily: whole(draft.daily),
    weekly: whole(draft.weekly),
    monthly: whole(draft.monthly),
    yearly: whole(draft.yearly),
  };
}

/** Each rule in a few words, for a summary. */
export function describeDraft(draft: RetentionDraft): readonly string[] {
  if (draft.text.trim() !== "") return [draft.text.trim()];
  return [
    draft.keepLast === "" ? null : `the last ${draft.keepLast}`,
    draft.windowDays === "" ? null : `all of the last ${draft.windowDays} days`,
    ...(["daily", "weekly", "monthly", "yearly"] as const).map((rule) =>
      draft[rule] === "" ? null : `${draft[rule]} ${rule}`,
    ),
  ].filter((rule) => rule !== null);
}
