import { mkdir, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConnectionReportResult, type RunRequestInput, VerifyResult } from "@tidemark/jobs";
import type { Server } from "@tidemark/metadata";
import { parseLsn, walSegmentName } from "@tidemark/postgres";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestWorkplace, testWorkplace } from "./test-worker.ts";
import { refreshDamagedWal } from "./wal/damaged-wal-finding.ts";

let place: TestWorkplace;
let source: TestServer;
let server: Server;
let repositoryId: string;

beforeAll(async () => {
  place = await testWorkplace();
  source = await testServer({ walSegmentSizeMb: 1 });
  await source.query("CREATE TABLE note (text text)");
  await place.start();
  repositoryId = await place.attachRepository();
  server = await addServer();
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await source?.[Symbol.asyncDispose]();
});

it("finds damaged WAL with everything else, says what is lost, begins a backup, and takes it back when it is put back", async () => {
  await succeeded("backup", {
    ...{ serverId: server.id, backupId: "bkp_01kb0000000000000000000001", checkpoint: "fast", maxRateKib: null },
    ...{ label: null, drillAfter: false },
  });
  const rows = await archived(4);
  const sound = await verify("succeeded");
  expect(sound).toMatchObject({ ok: true, wal: { problemCount: 0, coverage: { damagedSegments: 0 } } });
  expect(sound.wal?.checkedSegments).toBeGreaterThanOrEqual(rows.length);
  expect(sound.wal?.coverage?.verifiedSegments).toBeGreaterThanOrEqual(rows.length);

  const rotten = rows.at(-2);
  if (rotten === undefined) throw new Error("nothing is archived");
  const name = walSegmentName(1, rotten.startLsn as Parameters<typeof walSegmentName>[1], 1 << 20);
  await flipByte(rotten.systemIdentifier, name);
  const found = await verify("failed");
  expect(found).toMatchObject({
    ok: false,
    hitBackupIds: [],
    wal: { problemCount: 1, coverage: { damagedSegments: 1 } },
  });
  expect(found.problems[0]).toContain(`WAL segment ${name} is damaged`);
  expect(found.problems[0]).toContain("take one now");
  const [gap] = await place.metadata.wal.gaps([server.id]);
  expect(gap).toMatchObject({ fromLsn: rotten.startLsn, toLsn: rotten.startLsn + (1n << 20n) });
  expect(gap?.cause).toContain("damaged in the repository");
  expect(await place.metadata.wal.holes([server.id])).toMatchObject([{ fromLsn: rotten.startLsn }]);
  await place.endedAs(gap?.runId ?? "", "succeeded");
  expect(await titles()).toEqual([`Archived WAL of ${server.name} is damaged`]);

  await flipByte(rotten.systemIdentifier, name);
  expect(await verify("succeeded")).toMatchObject({ ok: true, wal: { coverage: { damagedSegments: 0 } } });
  expect(await place.metadata.wal.gaps([server.id])).toEqual([]);
  expect(await place.metadata.wal.holes([server.id])).toEqual([]);
  expect(await titles()).toEqual([]);
}, 180_000);

it("finds that of a segment in the making less is there than was acknowledged, until it is there again", async () => {
  await source.query("INSERT INTO note VALUES (repeat('x', 1000))");
  const [row] = await source.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
  const written = parseLsn(row?.lsn ?? "0/0");
  const receiver = await waitFor(
    async () => {
      const [one] = await place.metadata.walReceivers.ofServers([server.id]);
      return one?.state === "streaming" && (one.flushedLsn ?? 0n) >= written ? one : null;
    },
    { what: "what was written to be acknowledged", timeoutMs: 60_000 },
  );
  expect((await verify("succeeded")).wal?.problemCount).toBe(0);
  const name = walSegmentName(1, written, 1 << 20);
  const folder = place.home.join(
    "repository",
    server.id,
    receiver.systemIdentifier ?? "",
    "wal",
    "00000001",
    "partial",
  );
  // In its header: of an object that grows it looks as if nothing of it had lasted. A receiver that began anew meanwhile
  // has written all of it again, so that its pieces are damaged as well.
  const damaged = new Set<string>();
  const found = await waitFor(
    async () => {
      for (const piece of await readdir(join(folder, name))) {
        if (!damaged.has(piece)) await flipAt(join(folder, name, piece), 20);
        damaged.add(piece);
      }
      const run = await verification();
      return run.state === "failed" ? VerifyResult.parse(run.result) : null;
    },
    { what: "a verification to miss what was acknowledged", timeoutMs: 120_000 },
  );
  expect(found).toMatchObject({ ok: false, wal: { problemCount: 1, coverage: { damagedSegments: 0 } } });
  expect(found.problems[0]).toMatch(
    new RegExp(`^${name}\\.partial in the WAL archive.* was acknowledged to the server`),
  );
  expect(await titles("wal-file-damaged")).toEqual([fileTitle()]);
  for (const piece of damaged) await flipAt(join(folder, name, piece), 20);
  expect((await verify("succeeded")).wal?.problemCount).toBe(0);
  expect(await titles("wal-file-damaged")).toEqual([]);
}, 180_000);

it("tells of a damaged history, mirrors the rest all the same, and says nothing any more once it is gone", async () => {
  const [row] = await place.metadata.wal.segments({ serverId: server.id });
  const systemIdentifier = row?.systemIdentifier ?? "";
  const timeline = place.home.join("repository", server.id, systemIdentifier, "wal", "00000002");
  await mkdir(timeline, { recursive: true });
  await writeFile(join(timeline, "00000002.history"), "no object of ours");
  const found = await verify("failed");
  expect(found.problems).toEqual([expect.stringMatching(/^00000002\.history in the WAL archive is damaged/)]);
  expect(await titles("wal-file-damaged")).toEqual([fileTitle()]);
  // Attached anew, everything in a repository is mirrored.
  const about = { url: `file://${place.home.join("repository")}`, encrypted: true, sealedKey: null };
  const mirror = async () => {
    const run = await place.request("attach-repository", { repositoryId, ...about }, { repositoryId });
    await place.endedAs(run.id, "succeeded");
  };
  await mirror();
  expect(await titles("wal-file-damaged")).toEqual([fileTitle()]);
  await rm(timeline, { recursive: true });
  await mirror();
  expect(await titles("wal-file-damaged")).toEqual([]);
}, 180_000);

const fileTitle = () => `Archived WAL of ${server.name} beside its whole segments is damaged`;

async function titles(check = "wal-damaged"): Promise<readonly string[]> {
  await refreshDamagedWal(place);
  const findings = await place.metadata.findings.open([server.id]);
  return findings.filter(({ checkId }) => checkId === check).map(({ title }) => title);
}

async function verify(state: "succeeded" | "failed"): Promise<VerifyResult> {
  const run = await verification();
  return VerifyResult.parse((await place.endedAs(run.id, state)).result);
}

async function verification() {
  const about = { serverId: server.id, repositoryId };
  const { id } = await place.request("verify", { serverId: server.id, backupId: null }, about);
  return await place.ended(id);
}

/** So many more segments, each with a row; all there are then. */
async function archived(count: number) {
  let until = 0n;
  for (let index = 0; index < count; index++) {
    await source.query("INSERT INTO note VALUES (repeat('x', 1000))");
    const [row] = await source.query<{ lsn: string }>("SELECT pg_switch_wal()::text AS lsn");
    until = parseLsn(row?.lsn ?? "0/0");
  }
  return await waitFor(
    async () => {
      const rows = await place.metadata.wal.segments({ serverId: server.id });
      const last = rows.at(-1);
      return last !== undefined && last.startLsn + BigInt(last.sizeBytes) >= until ? rows : null;
    },
    { what: "the rows of what was written", timeoutMs: 60_000 },
  );
}

async function flipByte(systemIdentifier: string, name: string): Promise<void> {
  const path = place.home.join("repository", server.id, systemIdentifier, "wal", "00000001", name);
  await flipAt(path, Math.floor((await stat(path)).size / 2));
}

async function flipAt(path: string, position: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 0xff;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}

async function succeeded(kind: "backup", request: RunRequestInput<"backup">): Promise<void> {
  const { run } = await place.metadata.runs.create({
    ...{ kind, request, requestedBy: "user:test", serverId: server.id, repositoryId, backupId: request.backupId },
    backup: { id: request.backupId, serverId: server.id, repositoryId },
  });
  await place.queues.ring(run.id, run.kind);
  await place.endedAs(run.id, "succeeded");
}

async function addServer(): Promise<Server> {
  const nothing = { windowDays: null, daily: null, weekly: null, monthly: null, yearly: null };
  const run = await place.request("connection-test", {
    serverId: null,
    sealedDsn: await place.seal(source.dsn()),
    intent: {
      ...{ kind: "add-server", name: "rotting", repositoryId, policyId: null, schedules: [], sameSystemAs: null },
      ...{ firstBackup: false, isDemo: false, walMode: "stream" },
      retention: { keepLast: 5, minimum: 1, timeZone: "UTC", ...nothing },
    },
  });
  const id = ConnectionReportResult.parse((await place.endedAs(run.id, "succeeded")).result).serverId ?? "";
  const added = await place.metadata.servers.get(id);
  if (added === null) throw new Error("the server was not added");
  return added;
}
