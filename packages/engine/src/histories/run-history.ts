import { findServerUser } from "@tidemark/local-postgres";
import type { StoredBackup } from "@tidemark/repository";
import { adoptCluster, serverFolder, type TestServer, tempDir } from "@tidemark/testkit";
import type { EngineRig } from "../engine-rig.ts";
import { LiveComparison } from "./compare-files.ts";
import { checkIndexes, type DatabaseAnswers, readRows } from "./compare-rows.ts";
import type { HistoryPlan } from "./generate-history.ts";
import { describeStep, type HistoryStep } from "./history-step.ts";
import { clearStage, type HistoryStage, playStep, prepareStage } from "./play-step.ts";

export interface HistoryOutcome {
  readonly incrementals: number;
  readonly fulls: number;
  readonly restores: number;
  /** Why a backup was full although an increment was allowed. */
  readonly reasons: readonly string[];
}

/**
 * Plays a history on a server and compares after each backup, when all is quiet and the backup's checkpoint has written
 * everything down: every page of every relation with the
 * data directory, and, where the plan says so, the rows of a restored server with the server's. The first difference is thrown, with
 * the steps that led to it.
 */
export async function runHistory(server: TestServer, rig: EngineRig, plan: HistoryPlan): Promise<HistoryOutcome> {
  const stage: HistoryStage = {
    server,
    database: `history_${plan.seed}`,
    sideDatabase: `side_${plan.seed}`,
    folder: await server.folder("histories"),
  };
  const tally = { incrementals: 0, fulls: 0, restores: 0, reasons: [] as string[] };
  const live = new LiveComparison(rig.area, server);
  await prepareStage(stage);
  for (const [at, step] of plan.steps.entries()) {
    try {
      if (step.kind === "backup") await takeAndCompare(stage, { rig, live }, step, tally);
      else await playStep(stage, step);
    } catch (error) {
      throw new Error(story(plan, at, error), { cause: error });
    }
  }
  await clearStage(stage);
  // The next history begins with nothing to build on.
  for (const { backupId } of await rig.area.listBackups()) await rig.area.deleteBackup(backupId);
  return tally;
}

type Tally = { -readonly [Key in keyof HistoryOutcome]: HistoryOutcome[Key] } & { reasons: string[] };

async function takeAndCompare(
  stage: HistoryStage,
  { rig, live }: { readonly rig: EngineRig; readonly live: LiveComparison },
  step: HistoryStep & { readonly kind: "backup" },
  tally: Tally,
): Promise<void> {
  const { server } = stage;
  const rows = step.restored ? await readDatabases(stage, server) : null;
  // No checkpoint before the backup's own: what it starts from would then be a stretch of WAL in which nothing happened.
  const backup = await rig.backup(server.dsn(), { reading: step.reading });
  const reading = backup.facts?.reading;
  if (reading?.kind === "incremental") tally.incrementals++;
  else tally.fulls++;
  if (reading?.kind === "full" && reading.reason !== null) tally.reasons.push(reading.reason);
  const problems = [
    ...(await live.differences(backup.backupId)),
    ...sumProblems(backup),
    ...(backup.facts?.trustFindings ?? []).map(
      ({ path, blocks }) => `rolling trust found ${path} ${blocks.join(", ")}`,
    ),
  ];
  if (problems.length > 0) throw new Error(sayProblems(problems));
  if (rows === null) return;
  tally.restores++;
  const wrong = await compareRestored(stage, rig, backup, rows);
  if (wrong.length > 0) throw new Error(sayProblems(wrong));
}

/** Every plain byte is new, referenced, carried or zero. */
function sumProblems({ counts, plainBytes }: StoredBackup): readonly string[] {
  if (counts === null || counts.newBytes === null || counts.carriedBytes === null || counts.zeroBytes === null)
    return [];
  const sum = counts.newBytes + counts.referencedBytes + counts.carriedBytes + counts.zeroBytes;
  return sum === plainBytes ? [] : [`the counts make ${sum} bytes, the files ${plainBytes}`];
}

async function compareRestored(
  stage: HistoryStage,
  rig: EngineRig,
  backup: StoredBackup,
  rows: ReadonlyMap<string, DatabaseAnswers>,
): Promise<readonly string[]> {
  await using dir = await tempDir("restored");
  await using restored = await startRestored(dir, stage.server, rig, backup);
  const problems: string[] = [];
  for (const [database, expected] of rows) {
    const found = await readRows(restored, database);
    for (const [table, answer] of expected) {
      if (found.get(table) !== answer)
        problems.push(`${database}.${table}: restored ${found.get(table)}, was ${answer}`);
    }
    if (found.size !== expected.size) problems.push(`${database}: ${found.size} tables restored of ${expected.size}`);
    problems.push(...(await checkIndexes(restored, database)));
  }
  return problems;
}

/** Restores a backup and starts it as a server beside the source. */
export async function startRestored(
  dir: Awaited<ReturnType<typeof tempDir>>,
  like: TestServer,
  rig: EngineRig,
  backup: StoredBackup,
): Promise<TestServer> {
  const user = await findServerUser();
  const tablespaces = [];
  for (const { oid, path } of backup.facts?.tablespaces ?? []) {
    tablespaces.push({ from: path, to: await serverFolder(dir, `tablespace-${oid}`) });
  }
  const dataDir = dir.join("data");
  const plan = await rig.plan({
    backupId: backup.backupId,
    targetDirectory: dataDir,
    tablespaces,
    owner: user === null ? null : `${user.uid}:${user.gid}`,
  });
  await rig.restore(plan);
  return await adoptCluster(dir, like, { dataDir, settings: { autovacuum: false, summarize_wal: false } });
}

async function readDatabases(stage: HistoryStage, server: TestServer): Promise<ReadonlyMap<string, DatabaseAnswers>> {
  const answers = new Map<string, DatabaseAnswers>();
  const names = await server.query<{ name: string }>(
    "SELECT datname AS name FROM pg_database WHERE datname = ANY($1)",
    [[stage.database, stage.sideDatabase]],
  );
  for (const { name } of names) answers.set(name, await readRows(server, name));
  return answers;
}

function sayProblems(problems: readonly string[]): string {
  const more = problems.length > problemsSaid ? `\n  … and ${problems.length - problemsSaid} more` : "";
  return `${problems.slice(0, problemsSaid).join("\n  ")}${more}`;
}

const problemsSaid = 20;

function story(plan: HistoryPlan, at: number, error: unknown): string {
  const steps = plan.steps.slice(0, at + 1).map((step, number) => `  ${number + 1}. ${describeStep(step)}`);
  const why = error instanceof Error ? error.message : String(error);
  return `history ${plan.seed}, step ${at + 1}: ${why}\nTIDEMARK_HISTORY_SEED=${plan.seed} TIDEMARK_HISTORY_LENGTH=${at + 1} plays it again:\n${steps.join("\n")}`;
}
