import type { StoredBackup } from "@tidemark/repository";
import { startWriterLedger, type TestServer, tempDir, testServer, type WriterLedger } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { checkIndexes, type DatabaseAnswers, readRows } from "./compare-rows.ts";
import type { HistoryModel } from "./generate-history.ts";
import { clearStage, type HistoryStage, playStep, prepareStage } from "./play-step.ts";
import { startRestored } from "./run-history.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";
import { tableSteps } from "./table-steps.ts";

/** Incrementals in a row, restores among them, and how often all but one is deleted and begun anew. */
const length = Number(process.env.TIDEMARK_SERIES ?? 3);
const restores = Math.max(2, Math.ceil(length / 4));
const repeats = length >= 30 ? 2 : 1;
const seed = Number(process.env.TIDEMARK_SERIES_SEED ?? 5);

describe("incrementals in a row under a changing load", () => {
  it(`restore to what the server answered then, ${length} of them, and go in any order`, {
    timeout: 600_000 + length * 60_000,
  }, async () => {
    await using server = await testServer({
      settings: { autovacuum: false, summarize_wal: true, max_wal_size: "1GB" },
      tablespaces: ["fast"],
    });
    await using rig = await engineRig();
    const stage = {
      server,
      database: "series",
      sideDatabase: "series_side",
      folder: await server.folder("series"),
    };
    await prepareStage(stage);
    await using ledger = await startWriterLedger(server.dsn(), { tablespace: "fast" });
    const random = seededRandom(seed);
    const load = { stage, random, model: { tables: [], hasSide: false, tablesMade: 0, nextOid: 0 } };
    await change(load, 8);
    const series: Taken[] = [await take(rig, server, load, "full")];
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (let number = 0; number < length; number++) {
        await change(load, 1 + random.below(6));
        await ledger.advance(5);
        series.push(await take(rig, server, load, "auto"));
      }
      await restoreSome(rig, server, series, ledger, random);
      await deleteAllButLast(rig, series, random);
    }
    await ledger.stop();
    await clearStage(stage);
  });
});

interface Load {
  readonly stage: HistoryStage;
  readonly model: HistoryModel;
  readonly random: SeededRandom;
}

interface Taken {
  readonly backup: StoredBackup;
  /** What the tables answered at that time; null where the load went on while the backup was taken. */
  readonly answers: DatabaseAnswers | null;
}

/** Every other backup is taken while the load goes on; the ledger's writer never pauses. */
async function take(rig: EngineRig, server: TestServer, load: Load, reading: "auto" | "full"): Promise<Taken> {
  const isQuiet = load.random.onceIn(2);
  const answers = isQuiet ? await readRows(server, load.stage.database) : null;
  const loading = isQuiet ? null : change(load, 6);
  const [backup] = await Promise.all([rig.backup(server.dsn(), { reading }), loading]);
  expect(backup.facts?.reading).toMatchObject(
    reading === "full" ? { kind: "full", reason: null } : { kind: "incremental" },
  );
  expect(backup.facts).toMatchObject({ suspectPages: [] });
  expect(backup.facts?.trustFindings ?? []).toEqual([]);
  return { backup, answers };
}

async function change({ stage, model, random }: Load, steps: number): Promise<void> {
  const {
    create,
    insert,
    copy,
    update,
    deleteTail,
    deleteSome,
    vacuum,
    shrinkAndGrow,
    truncate,
    rewrite,
    index,
    rollBack,
    sequence,
  } = tableSteps;
  for (let step = 0; step < steps; step++) {
    const make =
      model.tables.length < 4
        ? create
        : random.weighted([
            [4, insert],
            [4, copy],
            [4, update],
            [3, deleteTail],
            [2, deleteSome],
            [4, vacuum],
            [4, shrinkAndGrow],
            [1, truncate],
            [2, rewrite],
            [3, index],
            [1, rollBack],
            [1, sequence],
          ] as const);
    for (const one of make(model, random)) if (one.kind === "sql") await playStep(stage, one);
  }
}

async function restoreSome(
  rig: EngineRig,
  server: TestServer,
  series: readonly Taken[],
  ledger: WriterLedger,
  random: SeededRandom,
): Promise<void> {
  const chosen = new Set([series.at(-1), ...Array.from({ length: restores - 1 }, () => random.pick(series))]);
  for (const taken of chosen) if (taken !== undefined) await restoreAndCompare(rig, server, taken, ledger);
}

async function restoreAndCompare(
  rig: EngineRig,
  server: TestServer,
  { backup, answers }: Taken,
  ledger: WriterLedger,
): Promise<void> {
  await using dir = await tempDir("series");
  await using restored = await startRestored(dir, server, rig, backup);
  const client = await restored.client();
  expect(await ledger.compare(client, backup.facts?.stopLsn ?? 0n)).toMatchObject({ verdict: "whole" });
  if (answers !== null) expect(await readRows(restored, "series")).toEqual(answers);
  for (const database of ["series", "postgres"]) expect(await checkIndexes(restored, database)).toEqual([]);
}

/** In random order, with the garbage collected after each: what is left can be restored all the same. */
async function deleteAllButLast(rig: EngineRig, series: Taken[], random: SeededRandom): Promise<void> {
  const last = series.at(-1);
  while (series.length > 1) {
    const [gone] = series.splice(random.below(series.length - 1), 1);
    if (gone === undefined) break;
    await rig.area.deleteBackup(gone.backup.backupId);
    // Two passes: the first marks, the second removes.
    for (let pass = 0; pass < 2; pass++) {
      const options = { now: new Date(Date.now() + 1000), graceMs: 0, runningBackupIds: [] };
      await rig.area.executeCollection(await rig.area.planCollection(options));
    }
    if (random.onceIn(4)) expect(await rig.verify(random.pick(series).backup.backupId)).toMatchObject({ ok: true });
  }
  expect(await rig.verify(last?.backup.backupId ?? "")).toMatchObject({ ok: true, problems: [] });
}
