import { executeRestore, planRestore, type RecoveryRequest } from "@tidemark/engine";
import { systemClock } from "@tidemark/kit";
import { adoptCluster, type TestServer, tempDir, waitFor } from "@tidemark/testkit";
import { bodyOf, type LedgerCommit } from "./commit-ledger.ts";
import type { FlushWatch } from "./flush-watch.ts";
import type { HistoryPlace } from "./history-place.ts";
import type { SeededRandom } from "./seeded-random.ts";

type Target = RecoveryRequest["target"];

interface Question {
  readonly target: Target;
  readonly timeline: RecoveryRequest["timeline"];
  /** Of what is on the timeline's path, what has to be there, and what must not. */
  readonly must: (commit: LedgerCommit) => boolean;
  readonly mustNot: (commit: LedgerCommit) => boolean;
}

export interface Verdict {
  /** Sentences of what is wrong; empty when nothing is. */
  readonly problems: readonly string[];
  /** Commits that had been reported durable, and so were looked for. */
  readonly durable: number;
  readonly restores: number;
}

/** Restores a history to the end of each timeline and to some instants within, and compares row by row. */
export async function checkHistory(
  place: HistoryPlace,
  told: FlushWatch,
  commits: readonly LedgerCommit[],
  random: SeededRandom,
): Promise<Verdict> {
  const questions: Question[] = [latest("latest")];
  if (place.switchLsn !== null) questions.push(latest(1));
  for (let count = 0; count < instantsEach; count++) {
    const question = anyInstant(place, told, commits, random);
    if (question !== null) questions.push(question);
  }
  const problems: string[] = [];
  for (const [index, question] of questions.entries()) {
    problems.push(...(await ask(place, told, commits, question, index)));
  }
  const durable = commits.filter((commit) => isDurable(place, told, commit, commit.timeline)).length;
  return { problems, durable, restores: questions.length };
}

/** Besides the ends of the timelines. */
const instantsEach = 2;

function latest(timeline: Question["timeline"]): Question {
  return { target: { kind: "latest" }, timeline, must: () => true, mustNot: () => false };
}

/** An instant of which we said that it is durable: at a commit behind the backup. */
function anyInstant(
  place: HistoryPlace,
  told: FlushWatch,
  commits: readonly LedgerCommit[],
  random: SeededRandom,
): Question | null {
  // Before something of timeline 2 was reported durable nobody need know of it.
  const hasSecond = commits.some((commit) => commit.timeline === 2 && isDurable(place, told, commit, 2));
  const timeline = hasSecond && random.chance(0.6) ? 2 : 1;
  const choices = commits.filter(
    (commit) => isDurable(place, told, commit, timeline) && commit.before.lsn >= place.backupStopLsn,
  );
  if (choices.length === 0) return null;
  const chosen = random.pick(choices);
  const { before } = chosen;
  const after = chosen.acknowledged?.after ?? before;
  const inclusive = random.chance(0.5);
  switch (random.pick(["time", "lsn", "xid"] as const)) {
    case "time": {
      const at = new Date(before.at.getTime());
      return {
        target: { kind: "time", at, inclusive },
        timeline,
        // Neither the server's clock nor ours is read more exactly than a millisecond.
        must: ({ acknowledged }) => acknowledged !== null && acknowledged.after.at < at,
        mustNot: (commit) => commit.before.at > at,
      };
    }
    case "lsn":
      return {
        target: { kind: "lsn", lsn: after.lsn, inclusive },
        timeline,
        must: ({ acknowledged }) => acknowledged !== null && acknowledged.after.lsn <= after.lsn,
        mustNot: (commit) => (inclusive ? commit.before.lsn > after.lsn : commit.before.lsn >= after.lsn),
      };
    case "xid":
      return {
        target: { kind: "xid", xid: chosen.acknowledged?.xid ?? 0, inclusive },
        timeline,
        must: ({ id, acknowledged }) =>
          id === chosen.id ? inclusive : acknowledged !== null && acknowledged.after.lsn <= before.lsn,
        mustNot: (commit) => (commit.id === chosen.id ? !inclusive : commit.before.lsn >= after.lsn),
      };
  }
}

/** It was acknowledged, lies on the way to the timeline, and we had said that it is safe. */
function isDurable(
  { plan, switchLsn }: HistoryPlace,
  told: FlushWatch,
  { timeline, acknowledged }: LedgerCommit,
  on: number,
): boolean {
  if (acknowledged === null || timeline > on) return false;
  const { lsn } = acknowledged.after;
  if (timeline < on && (switchLsn === null || lsn > switchLsn)) return false;
  if (plan.synchronous && timeline === on) return true;
  return lsn <= told.toldOn(timeline) || (timeline < on && lsn <= told.toldOn(on));
}

async function ask(
  place: HistoryPlace,
  told: FlushWatch,
  commits: readonly LedgerCommit[],
  question: Question,
  index: number,
): Promise<readonly string[]> {
  const name = sayQuestion(question);
  const targetDirectory = place.dir.join(`restored-${index}`);
  const request: RecoveryRequest = {
    target: question.target,
    timeline: question.timeline,
    action: "promote",
    asStandby: false,
    wal: "copy",
    fetch: null,
  };
  const deps = { area: place.area, clock: systemClock, threads: 1 };
  const signal = new AbortController().signal;
  const plan = await planRestore(deps, { ...plainRestore, targetDirectory, recovery: request }, signal);
  const refusal = plan.checks.find(({ state }) => state === "failed");
  if (refusal !== undefined) return [`${name}: refused: ${refusal.sentence}`];
  await executeRestore(deps, plan, { signal, emit: () => undefined, onStep: undefined });
  await using dir = await tempDir("chaos-restored");
  await using restored = await adoptCluster(dir, place.primary, { dataDir: targetDirectory });
  const inRecovery = "SELECT pg_is_in_recovery() AS waits";
  await waitFor(async () => (await restored.query<{ waits: boolean }>(inRecovery))[0]?.waits === false, {
    what: `the end of the recovery to ${name}`,
  });
  const timeline = plan.recovery?.timeline ?? 0;
  const problems = await compare(place, told, commits, question, { restored, timeline });
  return problems.map((problem) => `${name} (on timeline ${timeline}, ${plan.sentence}): ${problem}`);
}

const plainRestore = {
  backupId: null,
  tablespaces: [],
  owner: process.getuid?.() === 0 ? "postgres" : null,
  keepSignalFiles: false,
  allowedRoots: null,
  delta: false,
  databases: null,
} as const;

async function compare(
  place: HistoryPlace,
  told: FlushWatch,
  commits: readonly LedgerCommit[],
  { must, mustNot, timeline: asked }: Question,
  { restored, timeline }: { readonly restored: TestServer; readonly timeline: number },
): Promise<readonly string[]> {
  const problems: string[] = [];
  // Nothing less than the newest timeline of which we said that something is durable.
  if (asked === "latest" && timeline < 2 && told.toldOn(2) > 0n) problems.push("timeline 2 is not there");
  const rows = await restored.query<{ id: number; part: number; body: string }>("SELECT id, part, body FROM ledger");
  const found = Map.groupBy(rows, ({ id }) => id);
  const lost: number[] = [];
  const wrong: number[] = [];
  const torn: number[] = [];
  for (const commit of commits) {
    const own = found.get(commit.id) ?? [];
    found.delete(commit.id);
    const isThere = own.length > 0;
    if (!isThere && must(commit) && isDurable(place, told, commit, timeline)) lost.push(commit.id);
    if (isThere && (mustNot(commit) || isElsewhere(place, commit, timeline))) wrong.push(commit.id);
    const isWhole = own.every(({ part, body }) => body === bodyOf(commit.id, part, commit.bytes));
    if (isThere && (own.length !== commit.parts || !isWhole)) torn.push(commit.id);
  }
  const say = (what: string, ids: readonly number[]): void => {
    if (ids.length > 0) problems.push(`${ids.length} ${what}: ${describeCommits(commits, ids)}`);
  };
  say("commits that were reported durable are lost", lost);
  say("commits are there that must not be", wrong);
  say("commits are there in part, or changed", torn);
  say("were never written", [...found.keys()]);
  return problems;
}

/** On a branch that the timeline does not have. */
function isElsewhere({ switchLsn }: HistoryPlace, commit: LedgerCommit, timeline: number): boolean {
  if (commit.timeline > timeline) return true;
  return commit.timeline < timeline && switchLsn !== null && commit.before.lsn >= switchLsn;
}

function describeCommits(commits: readonly LedgerCommit[], ids: readonly number[]): string {
  const hex = (lsn: bigint): string => lsn.toString(16);
  const said = ids.slice(0, 3).map((id) => {
    const commit = commits[id - 1];
    if (commit === undefined) return String(id);
    const { before, acknowledged, timeline } = commit;
    const after = acknowledged === null ? "not acknowledged" : `to ${hex(acknowledged.after.lsn)}`;
    return `${id} (timeline ${timeline}, ${hex(before.lsn)} ${after}, ${before.at.toISOString()})`;
  });
  return `${said.join(", ")}${ids.length > 3 ? " …" : ""}`;
}

function sayQuestion({ target, timeline }: Question): string {
  const words = Object.values(target).map((value) =>
    typeof value === "bigint" ? value.toString(16) : value instanceof Date ? value.toISOString() : String(value),
  );
  return `restored to ${words.join(" ")} of timeline ${timeline}`;
}
