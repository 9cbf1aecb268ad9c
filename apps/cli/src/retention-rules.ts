import { AppError } from "@tidemark/kit";
import type { Command } from "commander";

/** A policy's rules as options; what is left out is no rule. */
export interface RetentionOptions {
  readonly retention?: string;
  readonly keepLast?: string;
  readonly windowDays?: string;
  readonly daily?: string;
  readonly weekly?: string;
  readonly monthly?: string;
  readonly yearly?: string;
  readonly minimum?: string;
  readonly zone?: string;
}

/** The options that say which backups are kept. `--zone` is the caller's, since it may mean schedules too. */
export function withRetentionOptions(command: Command): Command {
  return command
    .option("--keep-last <n>", "keep the newest n backups")
    .option("--window-days <n>", "keep all that the last n days need")
    .option("--daily <n>", "keep the newest of each of the newest n days")
    .option("--weekly <n>", "keep the newest of each of the newest n weeks")
    .option("--monthly <n>", "keep the newest of each of the newest n months")
    .option("--yearly <n>", "keep the newest of each of the newest n years")
    .option("--minimum <n>", "never keep fewer usable backups")
    .option("--retention <text>", 'the rules as pgmoneta ("7,4,12,5") or Barman ("REDUNDANCY 3") write them');
}

/** As the api takes it (RetentionInput); null when no rule was given. */
export function retentionInput(options: RetentionOptions): Record<string, unknown> | null {
  const numbers = Object.fromEntries(
    counts.flatMap(([name, option]) => {
      const text = options[name];
      return text === undefined ? [] : [[name, wholeNumber(option, text)]];
    }),
  );
  const text = options.retention === undefined ? {} : { text: options.retention };
  if (Object.keys({ ...numbers, ...text }).length === 0) return null;
  return { ...numbers, ...text, ...(options.zone === undefined ? {} : { timeZone: options.zone }) };
}

const counts = [
  ["keepLast", "--keep-last"],
  ["windowDays", "--window-days"],
  ["daily", "--daily"],
  ["weekly", "--weekly"],
  ["monthly", "--monthly"],
  ["yearly", "--yearly"],
  ["minimum", "--minimum"],
] as const;

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new AppError("bad-request", { message: `${option} takes a whole number from 1 on, not ${text}` });
}
