import { AppError } from "@tidemark/kit";
import { CronExpressionParser } from "cron-parser";
import { minuteText } from "./minute-text.ts";
import { isTimeZone } from "./time-zone.ts";

/** A schedule: a five-field cron expression read in an IANA time zone. */
export interface ScheduleTimes {
  readonly cron: string;
  readonly timeZone: string;
}

/**
 * The next `count` runs strictly after `from`. Across daylight saving a daily run happens once a day: one that falls
 * into the hour that is skipped runs one hour later by the clock, one in the hour that comes twice runs the first time;
 * `*` and step fields of the hour follow real time. Throws `cron-invalid`.
 */
export function nextRuns(cron: string, timeZone: string, from: Date, count: number): readonly Date[] {
  const expression = parseCron(cron, timeZone, from);
  const runs: Date[] = [];
  for (let index = 0; index < count; index++) runs.push(expression.next().toDate());
  return runs;
}

/** The runs strictly after `from`, without end. Throws `cron-invalid`. */
export function* runsAfter(schedule: ScheduleTimes, from: Date): Generator<Date> {
  const expression = parseCron(schedule.cron, schedule.timeZone, from);
  for (;;) yield expression.next().toDate();
}

/** Throws `cron-invalid` with a sentence that says what is wrong: field count, a value, the zone, or a day that never comes. */
export function validateCron(cron: string, timeZone: string): void {
  // A leap year's first day: February 29 comes, February 31 never does. The parser gives up by itself after its limit.
  parseCron(cron, timeZone, new Date("2024-01-01T00:00:00Z")).next();
}

/** What a schedule that may have slept through runs should do now. */
export interface MissedRun {
  /** The newest run that was missed: its one late run stands for all of them. */
  readonly dueAt: Date;
  /** Runs missed in all, counted up to 100. */
  readonly missedCount: number;
  readonly sentence: string;
}

/**
 * Whether one late run is due: null when nothing was missed. `lastFiredAt` is the scheduled time of the last run, or
 * when the schedule was made. `toleranceMs` is how late the ordinary bell may ring before a run counts as missed.
 * A clock that jumped back (`lastFiredAt` after `now`) misses nothing.
 */
export function missedRun(
  request: ScheduleTimes & { lastFiredAt: Date; now: Date; toleranceMs?: number },
): MissedRun | null {
  const { cron, timeZone, lastFiredAt, now } = request;
  const limitMs = now.getTime() - (request.toleranceMs ?? 0);
  if (lastFiredAt.getTime() >= limitMs) return null;
  const expression = parseCron(cron, timeZone, new Date(limitMs + 1));
  let earlier = expression.prev().toDate();
  // Backward the parser leaves out the run that daylight saving moves by an hour; forward it has it.
  const [moved] = nextRuns(cron, timeZone, earlier, 1);
  const dueAt = moved !== undefined && moved.getTime() <= limitMs ? moved : earlier;
  if (dueAt.getTime() <= lastFiredAt.getTime()) return null;
  let missedCount = dueAt === earlier ? 0 : 1;
  while (missedCount < mostCounted && earlier.getTime() > lastFiredAt.getTime()) {
    missedCount++;
    earlier = expression.prev().toDate();
  }
  const times =
    missedCount === 1
      ? "one run was missed"
      : `${missedCount}${missedCount === mostCounted ? " or more" : ""} runs were missed`;
  return { dueAt, missedCount, sentence: `${times}, the last at ${minuteText(dueAt)}; it runs once, late` };
}

/** Milliseconds between the two runs around `now`: how old the newest result may be when all is well. */
export function scheduleIntervalMs(schedule: ScheduleTimes, now: Date): number {
  const expression = parseCron(schedule.cron, schedule.timeZone, now);
  const next = expression.next().toDate().getTime();
  expression.reset(new Date(next));
  return next - expression.prev().toDate().getTime();
}

function parseCron(cron: string, timeZone: string, from: Date): ReturnType<typeof CronExpressionParser.parse> {
  if (!isTimeZone(timeZone))
    throw cronInvalid(cron, `${timeZone || "an empty name"} is not a time zone this machine knows`);
  const fields = cron.trim().split(/\s+/);
  // cron-parser fills missing fields and takes seconds; both hide a mistake, so exactly five are asked for.
  if (fields.length !== 5 || fields[0] === "") {
    throw cronInvalid(
      cron,
      `it has ${fields[0] === "" ? 0 : fields.length} fields instead of five (minute, hour, day of month, month, day of week)`,
    );
  }
  const unknown = fields.find((field) => !/^[0-9A-Za-z*/,\-?#]+$/.test(field));
  if (unknown !== undefined) throw cronInvalid(cron, `${unknown} is not a cron field`);
  // A random field (cron-parser's H) would give other times in every process.
  if (fields.some((field) => /^H/.test(field))) throw cronInvalid(cron, "H (a random time) cannot be used");
  try {
    return CronExpressionParser.parse(fields.join(" "), { tz: timeZone, currentDate: from });
  } catch (cause) {
    throw cronInvalid(cron, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function cronInvalid(cron: string, why: string, cause?: unknown): AppError {
  return new AppError("cron-invalid", {
    message: `the schedule "${cron}" cannot be used: ${why}`,
    hint: 'five fields, for example "30 2 * * *" for every day at 02:30',
    cause,
  });
}

const mostCounted = 100;
