import type { RestoreRecoveryJson, TargetRequestJson } from "@tidemark/jobs";
import type { Server } from "@tidemark/metadata";
import {
  chooseForTarget,
  type RecoveryInput,
  type RecoveryTarget,
  type TargetChoice,
  type TargetRequest,
} from "@tidemark/policy";
import { z } from "zod";
import { formatLsn, parseLsn } from "../lsn-text.ts";
import type { Services } from "../services.ts";
import { type NearestCommits, nearestCommits } from "./nearest-commits.ts";
import { badField } from "./parse-input.ts";
import { windowOf } from "./recovery-window.ts";

/** To where to restore, as GraphQL and REST ask for it. Which field is needed depends on `kind`. */
export const RecoveryTargetInput = z.object({
  kind: z.enum(["latest", "immediate", "time", "lsn", "xid", "name"]),
  at: z.iso.datetime({ offset: true }).nullish().describe("For `time`: with its zone."),
  lsn: z
    .string()
    .nullish()
    .describe(
      'For `lsn`: as "16/B374D848". For `xid`, where it is known (a found moment says it): the end of its commit record.',
    ),
  xid: z
    .string()
    .regex(/^\d{1,20}$/)
    .nullish()
    .describe("For `xid`: as decimal text."),
  name: z.string().min(1).max(63).nullish().describe("For `name`: of the restore point."),
  inclusive: z.boolean().nullish().describe("For `time`, `lsn` and `xid`: stop behind it; true when left out."),
  timeline: z.number().int().min(1).max(0xffff_ffff).nullish().describe("The newest reachable one when left out."),
  ownTimeline: z.boolean().nullish().describe("On the timeline of the backup itself; instead of `timeline`."),
  backupId: z.string().min(1).max(64).nullish().describe("From this backup; chosen when left out."),
  action: z.enum(["pause", "promote", "shutdown"]).nullish().describe("What to do there; `promote` when left out."),
  standby: z.boolean().nullish().describe("Go on as a standby."),
});
export type RecoveryTargetInput = z.infer<typeof RecoveryTargetInput>;

/** What the input asks for. Throws `bad-request` where a kind lacks its field. */
export function readTarget(input: RecoveryTargetInput, field = "target"): TargetRequest {
  if (input.timeline != null && input.ownTimeline === true) {
    throw badField(
      `${field}.ownTimeline`,
      "a timeline's number and the backup's own timeline are two answers: give one",
    );
  }
  return {
    target: targetOf(input, field),
    timeline: input.timeline ?? (input.ownTimeline === true ? "current" : "latest"),
    action: input.action ?? "promote",
    asStandby: input.standby ?? false,
    backupId: input.backupId ?? null,
    located: locationOf(input, field),
  };
}

type Location = NonNullable<TargetRequest["located"]>;

/** Where a transaction ended, so that nobody has to search the WAL for it. It counts with the timeline it was found on. */
function locationOf({ kind, lsn: text, timeline }: RecoveryTargetInput, field: string): Location | null {
  if (kind !== "xid" || text == null || timeline == null) return null;
  const lsn = parseLsn(text);
  if (lsn === null) throw badField(`${field}.lsn`, 'an LSN such as "16/B374D848" is needed');
  return { timeline, lsn, at: null };
}

function targetOf(input: RecoveryTargetInput, field: string): RecoveryTarget {
  const inclusive = input.inclusive ?? true;
  const needed = (name: "at" | "lsn" | "xid" | "name"): string => {
    const value = input[name];
    if (value != null) return value;
    throw badField(`${field}.${name}`, `a target of the kind ${input.kind} needs ${name}`);
  };
  switch (input.kind) {
    case "latest":
    case "immediate":
      return { kind: input.kind };
    case "time":
      return { kind: "time", at: new Date(needed("at")), inclusive };
    case "lsn": {
      const lsn = parseLsn(needed("lsn"));
      if (lsn === null) throw badField(`${field}.lsn`, 'an LSN such as "16/B374D848" is needed');
      return { kind: "lsn", lsn, inclusive };
    }
    case "xid":
      return { kind: "xid", xid: BigInt(needed("xid")), inclusive };
    case "name":
      return { kind: "name", name: needed("name") };
  }
}

/** As `RecoveryTargetInput`, with how the restored server gets its WAL. */
export const RestoreRecoveryInput = RecoveryTargetInput.omit({ backupId: true }).extend({
  wal: z
    .enum(["copy", "fetch"])
    .nullish()
    .describe("`copy` puts the WAL it needs into the directory; `fetch` asks the repository while it recovers."),
  fetchConfig: z
    .string()
    .regex(/^\/[^\0\r\n]*$/, "an absolute path is needed")
    .max(4_000)
    .nullish()
    .describe("With `fetch`: the file of `tidemark server host-config` on the restored server's host."),
});

/** The input as a run's request has it. Throws `bad-request` where something is missing. */
export function recoveryJson(input: z.infer<typeof RestoreRecoveryInput>, field = "recovery"): RestoreRecoveryJson {
  const wal = input.wal ?? "copy";
  if (wal === "fetch" && input.fetchConfig == null) {
    throw badField(`${field}.fetchConfig`, "fetching WAL needs the path of the host's configuration file");
  }
  return { ...targetJson(input, field), wal, fetchConfig: wal === "fetch" ? (input.fetchConfig ?? null) : null };
}

/** A target as the request of a restore, a drill or a clone has it. Throws `bad-request` where its kind lacks something. */
export function targetJson(input: RecoveryTargetInput, field = "target"): TargetRequestJson {
  const { target, timeline, action, asStandby } = readTarget(input, field);
  return { target: targetText(target), timeline, action, asStandby };
}

function targetText(target: RecoveryTarget): TargetRequestJson["target"] {
  switch (target.kind) {
    case "latest":
    case "immediate":
    case "name":
      return target;
    case "time":
      return { ...target, at: target.at.toISOString() };
    case "lsn":
      return { ...target, lsn: formatLsn(target.lsn) };
    case "xid":
      return { ...target, xid: String(target.xid) };
  }
}

/** What a restore to the target would read, or why it cannot be reached. */
export interface TargetAnswer {
  readonly choice: TargetChoice;
  readonly sentence: string;
  /** Whole segments. */
  readonly walSegments: number;
  /** Of WAL, before compression. */
  readonly walBytes: bigint;
  readonly commits: NearestCommits;
}

/** Looks the target up in the server's recovery window; nothing is read from the repository. */
export async function resolveTarget(
  services: Services,
  server: Server,
  input: RecoveryTargetInput,
): Promise<TargetAnswer> {
  const { input: facts } = await windowOf(services, server);
  const request = readTarget(input);
  const choice = choose(facts, request);
  if (!choice.reachable) {
    return { choice, sentence: choice.sentence, walSegments: 0, walBytes: 0n, commits: { before: null, after: null } };
  }
  const walSegments = choice.wal.reduce((sum, { segmentCount }) => sum + segmentCount, 0);
  const walBytes = choice.wal.reduce((sum, { fromLsn, toLsn }) => sum + (toLsn - fromLsn), 0n);
  const commits = nearestCommits(facts, request.target, choice);
  return { choice, sentence: sentenceOf(choice, walSegments), walSegments, walBytes, commits };
}

/** A place that was found on the way to a timeline may lie on one of its ancestors. */
function choose(facts: RecoveryInput, request: TargetRequest): TargetChoice {
  const choice = chooseForTarget(facts, request);
  const { located } = request;
  if (choice.reachable || located == null) return choice;
  const seen = new Set<number>();
  for (let timeline: number | null = located.timeline; timeline !== null && !seen.has(timeline); ) {
    seen.add(timeline);
    const other = chooseForTarget(facts, { ...request, located: { ...located, timeline } });
    if (other.reachable) return other;
    timeline = facts.timelines.find((one) => one.timeline === timeline)?.parent ?? null;
  }
  return choice;
}

function sentenceOf(choice: TargetChoice & { readonly reachable: true }, walSegments: number): string {
  const wal = walSegments === 0 ? "the WAL inside it" : `${walSegments} WAL segment${walSegments === 1 ? "" : "s"}`;
  return `from the backup ${choice.backupId}, with ${wal}, on timeline ${choice.timeline}`;
}
