import { keepEverything, type PolicyTargets, parseRetention, type RetentionPolicy } from "@tidemark/policy";
import { z } from "zod";
import { badField } from "./parse-input.ts";

/** Parts of inputs that several acts share. Each description is printed into the OpenAPI document. */

export const EntityId = z.string().min(1).max(64);

export const EntityName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    "a name has 1 to 63 letters, digits, dots, dashes or underscores and begins with a letter or a digit",
  );

/** Longer ones exist nowhere; the limit keeps a pasted file out. */
export const Dsn = z
  .string()
  .trim()
  .min(1, "a connection string is needed, for example postgresql://backup@db.example.com/postgres")
  .max(8_192, "this is too long for a connection string");

export const RetentionInput = z
  .object({
    keepLast: z.number().int().min(1).max(10_000).nullish().describe("Keep the newest n backups."),
    windowDays: z.number().int().min(1).max(36_500).nullish().describe("Keep all that the last n days need."),
    daily: z.number().int().min(1).max(10_000).nullish().describe("Keep the newest of each of the newest n days."),
    weekly: z.number().int().min(1).max(10_000).nullish().describe("Keep the newest of each of the newest n weeks."),
    monthly: z.number().int().min(1).max(10_000).nullish().describe("Keep the newest of each of the newest n months."),
    yearly: z.number().int().min(1).max(10_000).nullish().describe("Keep the newest of each of the newest n years."),
    timeZone: z.string().min(1).max(100).nullish().describe("Where days begin, as an IANA name; UTC when left out."),
    minimum: z.number().int().min(1).max(1_000).nullish().describe("Never keep fewer; 1 when left out."),
    text: z
      .string()
      .min(1)
      .max(200)
      .nullish()
      .describe('The rules as pgmoneta ("7,4,12,5") or Barman ("REDUNDANCY 3") write them, instead of numbers.'),
  })
  .describe("A retention policy's rules; with none every backup is kept.");

/** The rules with nothing left out. Throws `policy-invalid` for a text that cannot be read, or that comes with numbers. */
export function completeRetention(input: z.output<typeof RetentionInput>): RetentionPolicy {
  const { keepLast, windowDays, daily, weekly, monthly, yearly } = input;
  const numbers = { keepLast, windowDays, daily, weekly, monthly, yearly };
  const rest = { timeZone: input.timeZone ?? "UTC", minimum: input.minimum ?? 1 };
  if (input.text == null) {
    const rules = Object.fromEntries(Object.entries(numbers).map(([rule, count]) => [rule, count ?? null]));
    return { ...keepEverything, ...rules, ...rest };
  }
  if (Object.values(numbers).some((count) => count != null)) {
    throw badField("text", "give the rules either as a text or as numbers");
  }
  return { ...parseRetention(input.text), ...rest };
}

export const PolicyTargetsInput = z
  .object({
    rpoTargetSeconds: z
      .number()
      .nullish()
      .describe(
        "Seconds of commits that may be lost at most, 5 to 31 days; null: a minute where WAL is streamed; 0: no target.",
      ),
    rtoTargetSeconds: z
      .number()
      .nullish()
      .describe("Seconds a restore may take at most, 10 to 31 days; null: nothing is promised."),
    proofDays: z.number().nullish().describe("Days a proof by a drill counts, 1 to 3650; null: 31; 0: for ever."),
    verifyDays: z
      .number()
      .nullish()
      .describe("Days within which everything stored is verified, a part each day, 1 to 366; null: not by itself."),
  })
  .describe("What a policy promises beside retention. What is left out stays; null: the usual.");

/** What the input changes of the targets there are. Check with policy's `checkPolicyTargets`. */
export function changedTargets(
  before: PolicyTargets | null,
  input: z.output<typeof PolicyTargetsInput> | null | undefined,
): PolicyTargets {
  const kept = (name: keyof PolicyTargets) => (input?.[name] === undefined ? (before?.[name] ?? null) : input[name]);
  return {
    rpoTargetSeconds: kept("rpoTargetSeconds"),
    rtoTargetSeconds: kept("rtoTargetSeconds"),
    proofDays: kept("proofDays"),
    verifyDays: kept("verifyDays"),
  };
}

export const Cron = z.string().min(1).max(200);
export const Zone = z.string().min(1).max(100);

export const AbsoluteDirectory = z
  .string()
  .max(4_096)
  .regex(/^\/[^\0]*$/, "an absolute path is needed")
  .refine((path) => !path.split("/").includes(".."), 'the path must not contain ".."');
