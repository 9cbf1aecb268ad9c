import { describeError } from "@tidemark/kit";

/** What went wrong, for a shell that says it on: a sentence with its code, then what can be done, where something can. */
export function troubleLines(error: unknown): readonly string[] {
  const { code, message, hint } = describeError(error);
  return [`${message} [${code}]`, ...(hint === null ? [] : [hint])];
}
