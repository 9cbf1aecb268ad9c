import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DrillResult } from "@tidemark/jobs";
import type { ServerArea } from "@tidemark/repository";
import { lsnValue, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiProcess, startApi } from "../kill/api-process.ts";
import { type ChaosStage, chaosStage } from "./chaos-stage.ts";
import { type HistoryPlace, historyPlace } from "./history-place.ts";

/** One server that is green, and what takes that away: each drill that must fail does, says why, and shows. */
describe("a drill that must fail", () => {
  let stage: ChaosStage;
  let api: ApiProcess;
  let place: HistoryPlace;
  const rows = 200;

  beforeAll(async () => {
    stage = await chaosStage();
    api = await startApi(stage.product);
    const quiet = { seed: 0, major: 18, way: "stream", synchronous: false, hasStandby: false, blows: [] } as const;
    place = await historyPlace(stage, { ...quiet, end: "mended" });
    const { metadata } = stage.product;
    await metadata.schedules.set({ serverId: place.serverId, kind: "backup", cron: "0 3 * * *", zone: "UTC" });
    for (let id = 1; id <= rows; id += 20) {
      await place.primary.query("INSERT INTO ledger SELECT n, 1, 'x' FROM generate_series($1::int, $1::int + 19) n", [
        id,
      ]);
      await place.primary.query("SELECT pg_switch_wal()");
    }
    await archived();
  });

  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await api?.program.stop();
    await stage?.[Symbol.asyncDispose]();
  });

  it("leaves a server green while it passes", async () => {
    expect(await drill(rows)).toMatchObject({ state: "succeeded", outcome: "proven" });
    expect(await protection()).toMatchObject({ state: "PROTECTED" });
  });

  it("for a wrong number of rows", async () => {
    const failed = await drill(rows + 1);
    expect(failed).toMatchObject({ state: "failed", outcome: "failed" });
    expect(failed.reason).toContain(`${rows} rows, ${rows + 1} expected`);
    expect(await protection()).toMatchObject({
      state: "AT_RISK",
      reasons: expect.arrayContaining([expect.stringContaining("the last drill failed")]),
    });
    await drill(rows);
    expect(await protection()).toMatchObject({ state: "PROTECTED" });
  });

  it("for a damaged pack", async () => {
    const mend = await damagePack(place.dir.join("disk", "repository"));
    const failed = await drill(rows);
    expect(failed).toMatchObject({ state: "failed", outcome: "failed" });
    expect(failed.reason).toMatch(/damaged|does not match|cannot be opened/);
    expect(await protection()).toMatchObject({ state: "AT_RISK" });
    await mend();
    // It is not chosen any more until one that names it finds it whole.
    const [backup] = await place.area.listBackups();
    expect(await drill(rows, null, backup?.backupId)).toMatchObject({ outcome: "proven" });
    expect(await protection()).toMatchObject({ state: "PROTECTED" });
  });

  // Last: what it takes away does not come back.
  it("for WAL that is missing", async () => {
    const end = await currentLsn();
    const name = await removeSegment(place.area, place.backupStopLsn);
    for (const target of [{ kind: "latest" }, { kind: "lsn", lsn: end, inclusive: false }] as const) {
      const failed = await drill(rows, target);
      expect(failed, target.kind).toMatchObject({ state: "failed", outcome: "failed" });
      expect(failed.reason, target.kind).toMatch(/missing|gap|cannot be reached|rows/);
      expect(await protection(), `${name} is missing`).toMatchObject({ state: "AT_RISK" });
    }
  });

  async function drill(expected: number, target: DrillTarget = null, backupId: string | null = null) {
    const { metadata, queues } = stage.product;
    const { run } = await metadata.runs.create({
      kind: "drill",
      serverId: place.serverId,
      requestedBy: "user:test",
      request: {
        serverId: place.serverId,
        backupId,
        target,
        timeline: "latest",
        expectations: {
          rows: [{ database: "postgres", table: "ledger", rows: expected, tolerancePercent: 0 }],
          sql: [],
          estimateTolerancePercent: null,
        },
        maxBytes: null,
        checkSeconds: 60,
        replaySeconds: 60,
      },
    });
    await queues.ring(run.id, run.kind);
    const ended = await stage.product.ended(run.id);
    const result = DrillResult.safeParse(ended.result);
    const { outcome = null, reason = null } = result.success ? result.data : {};
    return { state: ended.state, outcome, reason, error: ended.error };
  }

  async function protection(): Promise<{ readonly state: string; readonly reasons: readonly string[] }> {
    const { server } = await api.graphql<{ server: { protection: { state: string; reasons: string[] } } }>(
      "query ($id: ID!) { server(id: $id) { protection { state reasons } } }",
      { id: place.serverId },
    );
    return server.protection;
  }

  async function currentLsn(): Promise<string> {
    const [row] = await place.primary.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
    return row?.lsn ?? "";
  }

  /** Everything so far is durable and the page knows it. */
  async function archived(): Promise<void> {
    const until = lsnValue(await currentLsn());
    const { walReceivers } = stage.product.metadata;
    await waitFor(async () => ((await walReceivers.ofServers([place.serverId]))[0]?.flushedLsn ?? 0n) >= until, {
      what: "the rows to be durable",
    });
  }
});

type DrillTarget =
  | { readonly kind: "latest" }
  | { readonly kind: "lsn"; readonly lsn: string; readonly inclusive: boolean }
  | null;

/** Changes bytes amid the largest pack; gives what puts them back. */
async function damagePack(folder: string): Promise<() => Promise<void>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.includes("/packs/"));
  let largest = { path: "", size: 0 };
  for (const name of names) {
    const found = await stat(join(folder, name));
    if (found.isFile() && found.size > largest.size) largest = { path: join(folder, name), size: found.size };
  }
  const at = Math.floor(largest.size / 2);
  const write = async (change: (bytes: Buffer) => Buffer): Promise<void> => {
    const file = await open(largest.path, "r+");
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, at);
    await file.write(change(buffer), 0, 64, at);
    await file.close();
  };
  const invert = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xff));
  await write(invert);
  return () => write(invert);
}

/** The third whole segment behind the backup. */
async function removeSegment(area: ServerArea, backupStopLsn: bigint): Promise<string> {
  const [systemIdentifier] = await area.walIdentifiers();
  const archive = area.wal(systemIdentifier ?? 0n);
  const sizeBytes = 1 << 20;
  const behind: { readonly name: string; readonly timeline: number; readonly startLsn: bigint }[] = [];
  for await (const { kind, name, timeline, startLsn } of archive.list({ segmentSizeBytes: sizeBytes })) {
    if (kind === "segment" && startLsn !== null && startLsn > backupStopLsn) behind.push({ name, timeline, startLsn });
  }
  const third = behind[2];
  if (third === undefined) throw new Error("there are not enough segments behind the backup");
  await archive.removeSegments([{ timeline: third.timeline, startLsn: third.startLsn, sizeBytes }]);
  return third.name;
}
