import { AppError } from "@tidemark/kit";

/** `3/28`: the third of 28 parts. Throws `bad-request`. */
export function partInput(text: string | undefined): { readonly part?: number; readonly parts?: number } {
  if (text === undefined) return {};
  const [, part, parts] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (part !== undefined && parts !== undefined && part >= 1 && part <= parts && parts <= 4096) return { part, parts };
  throw new AppError("bad-request", { message: `--part takes N/M with N from 1 to M, up to 4096, not ${text}` });
}
