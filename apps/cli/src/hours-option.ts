import { AppError } from "@tidemark/kit";

/** Throws `bad-request` for what is no number of hours; how many are allowed is the api's to say. */
export function parseHours(text: string): number {
  const hours = Number(text);
  if (Number.isSafeInteger(hours) && hours > 0) return hours;
  throw new AppError("bad-request", { message: `--hours takes a whole number from 1 on, not ${text}` });
}
