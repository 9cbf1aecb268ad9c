/**
 * Made the golden repositories under `fixtures/`, once for each format version; they are kept for ever and never made
 * again for the same version: `node packages/repository/scripts/make-golden-repository.ts`. Ids, salts, keys and times
 * are fixed; the compressed bytes depend on the zstd that made them.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock, IdKind } from "@tidemark/kit";
import { idPrefixes } from "@tidemark/kit";
import { FilesystemStore } from "@tidemark/storage";
import { formatVersion, writtenVersion } from "../src/format.ts";
import {
  type BackupFacts,
  type CompressionSetting,
  createRepository,
  openRepository,
  type RepositoryOptions,
  type RepositoryStep,
  type ServerArea,
} from "../src/index.ts";
import { InlineEncoder, noise, takeTestBackup, testFacts, testKey, writeFiles } from "../src/test-repository.ts";

const folder = fileURLToPath(new URL(`../fixtures/golden-${formatVersion}`, import.meta.url));

await mkdir(folder, { recursive: true });
await writeFile(join(folder, "key.txt"), `${testKey.text.reveal()}\n`);
await writeFile(join(folder, "expected.json"), `${JSON.stringify(expected(), null, 2)}\n`);
// What is encrypted is of version 2 still.
for (const encrypted of [true, false]) if (writtenVersion(encrypted) === formatVersion) await make(encrypted);

async function make(encrypted: boolean): Promise<void> {
  let ids = 0;
  let salts = 0;
  let dying = false;
  const onStep = (step: RepositoryStep): void => {
    if (dying && step === "manifest:before-put") throw new Error("killed");
  };
  const clock: Clock = { now: () => new Date("2026-01-02T03:04:05.000Z"), monotonicMs: () => 0 };
  const store = new FilesystemStore(join(folder, encrypted ? "encrypted" : "plain"));
  const options: RepositoryOptions = {
    clock,
    onStep,
    newId: (kind: IdKind) => `${idPrefixes[kind]}_${String(++ids).padStart(26, "0")}`,
    randomBytes: (length) => noise(length, ++salts),
  };
  const repository = await createRepository(store, { ...options, encryption: encrypted ? testKey : "none" });
  const area = repository.area("srv_golden");
  await takeTestBackup(area, "bak_first", null, firstFiles());
  await takeTestBackup(area, "bak_second", "bak_first", secondFiles(), { ...testFacts, includedWal: null, notes: [] });
  for (const { backupId, parentId, files, patches, facts, compression } of laterBackups()) {
    const other = await openRepository(store, { ...options, compression, key: encrypted ? testKey : null });
    await takePatchedBackup(other.area("srv_golden"), { backupId, parentId, files, patches, facts });
    await other.close();
  }
  const at = new Date("2026-01-03T00:00:00.000Z");
  await area.addMark("bak_first", { kind: "hold", text: "audit 2026", by: "ada", at });
  await area.addMark("bak_first", { kind: "note", text: "before the move – vor dem Umzug", by: "ada", at });
  dying = true;
  await leaveDeadRun(area);
  await repository.close();
}

interface PatchedBackup {
  readonly backupId: string;
  readonly parentId: string;
  /** As they are afterwards. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The files that are patched: their changed blocks, and where the parent's bytes end. */
  readonly patches: ReadonlyMap<string, { readonly blocks: readonly number[]; readonly zerosFrom: number | null }>;
  readonly facts: BackupFacts;
}

/** Files without a patch come whole. */
async function takePatchedBackup(area: ServerArea, backup: PatchedBackup): Promise<void> {
  const { backupId, parentId, files, patches, facts } = backup;
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId, parentId, startedAt: facts.startedAt, encoder });
  for (const [name, bytes] of files) {
    const patch = patches.get(name);
    if (patch === undefined) {
      await writeFiles(writer, new Map([[name, bytes]]));
      continue;
    }
    const file = await writer.addPatchedFile({
      path: new TextEncoder().encode(name),
      mode: 0o600,
      sizeBytes: BigInt(bytes.length),
      modifiedAt: new Date(1_700_000_000_000),
      blockSize: 8192,
      changedBlocks: Uint32Array.from(patch.blocks),
      zerosFrom: patch.zerosFrom === null ? null : BigInt(patch.zerosFrom),
    });
    for (const block of patch.blocks) await file.write(bytes.subarray(block * 8192, (block + 1) * 8192));
    await file.end();
  }
  writer.addSentBytes(123_456);
  await writer.commit(facts);
}

/** Each builds on the one before: pieces, pieces of pieces, limits, growth, another codec each; the last comes whole again. */
function laterBackups(): (PatchedBackup & { readonly compression: CompressionSetting })[] {
  const [third, fourth] = [thirdFiles(), fourthFiles()];
  const onDay = (day: number): BackupFacts => ({
    ...testFacts,
    startedAt: new Date(Date.UTC(2026, 0, day, 3)),
    stoppedAt: new Date(Date.UTC(2026, 0, day, 3, 5)),
  });
  const incremental = (fromBackupId: string, day: number): BackupFacts => ({
    ...onDay(day),
    reading: {
      kind: "incremental",
      fromBackupId,
      fromLsn: testFacts.startLsn,
      fromTimeline: 1,
      resentFiles: 2,
      resentBytes: 316_384n,
    },
    walRanges: [{ timeline: 1, startLsn: testFacts.startLsn, endLsn: testFacts.stopLsn }],
    trustRound: 5,
  });
  return [
    {
      backupId: "bak_third",
      parentId: "bak_second",
      files: third,
      patches: new Map([
        ["base/5/2619", { blocks: [3, 4, 20, 44], zerosFrom: null }],
        ["base/5/small", { blocks: [], zerosFrom: null }],
        ["base/5/zeros", { blocks: [7], zerosFrom: null }],
      ]),
      facts: incremental("bak_second", 3),
      compression: { algorithm: "lz4" },
    },
    {
      backupId: "bak_fourth",
      parentId: "bak_third",
      files: fourth,
      patches: new Map([
        ["base/5/2619", { blocks: [4, 30, 31, 40], zerosFrom: 38 * 8192 }],
        ["base/5/small", { blocks: [0], zerosFrom: null }],
        ["base/5/zeros", { blocks: [], zerosFrom: null }],
      ]),
      facts: incremental("bak_third", 4),
      compression: { algorithm: "gzip", level: 6 },
    },
    {
      backupId: "bak_fifth",
      parentId: "bak_fourth",
      files: fourth,
      patches: new Map(),
      facts: { ...onDay(5), reading: { kind: "full", reason: "the WAL summaries do not reach back far enough" } },
      compression: { algorithm: "zstd", level: 19 },
    },
  ];
}

/** A run that dies with a pack stored: its manifest key is claimed by the collection, its pack is marked. */
async function leaveDeadRun(area: ServerArea): Promise<void> {
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId: "bak_dead", parentId: null, startedAt: new Date(0), encoder });
  await writeFiles(writer, new Map([["lost", noise(1_000, 77)]]));
  await writer.commit(testFacts).then(
    () => Promise.reject(new Error("the run was to die")),
    () => undefined,
  );
  const options = { now: new Date("2027-01-01T00:00:00.000Z"), graceMs: 3_600_000, runningBackupIds: [] };
  await area.executeCollection(await area.planCollection(options));
  await area.beginBackup({ backupId: "bak_paused", parentId: null, startedAt: new Date(0), encoder });
}

/** Table-like pages, so that the fixture stays small. */
function pages(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 64) bytes.set(noise(8, seed + at), at);
  return bytes;
}

function firstFiles(): Map<string, Uint8Array> {
  const none = new Uint8Array(0);
  const sparse = new Uint8Array(400_000);
  sparse.set(pages(8192, 4), 300_000);
  return new Map([
    ["PG_VERSION", new TextEncoder().encode("18\n")],
    ["base/", none],
    ["base/5/", none],
    ["base/5/1259", pages(300_000, 1)],
    ["base/5/empty", none],
    ["base/5/zeros", new Uint8Array(262_144)],
    ["base/5/sparse", sparse],
    ["base/5/2619", pages(8192 * 40, 6)],
    ["base/5/small", pages(8192, 2)],
    ["pg_tblspc/16500@/srv/fast", none],
    ["global/pg_control", pages(8192, 3)],
  ]);
}

function secondFiles(): Map<string, Uint8Array> {
  const files = firstFiles();
  files.get("base/5/1259")?.fill(0x55, 140_000, 140_100);
  files.set("base/5/small", pages(8192, 9));
  return files;
}

function thirdFiles(): Map<string, Uint8Array> {
  const files = secondFiles();
  const grown = new Uint8Array(8192 * 45);
  grown.set(files.get("base/5/2619") ?? []);
  for (const block of [3, 4, 20, 44]) grown.set(pages(8192, 100 + block), block * 8192);
  files.set("base/5/2619", grown);
  files.get("base/5/zeros")?.set(pages(8192, 11), 7 * 8192);
  return files;
}

function fourthFiles(): Map<string, Uint8Array> {
  const files = thirdFiles();
  const cut = (files.get("base/5/2619") ?? new Uint8Array(0)).slice(0, 8192 * 42).fill(0, 8192 * 38);
  for (const block of [4, 30, 31, 40]) cut.set(pages(8192, 200 + block), block * 8192);
  files.set("base/5/2619", cut);
  files.set("base/5/small", pages(8192, 12));
  return files;
}

function expected(): unknown {
  const describe = (files: Map<string, Uint8Array>): unknown =>
    [...files].map(([name, bytes]) => ({
      name,
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    }));
  return {
    bak_first: describe(firstFiles()),
    bak_second: describe(secondFiles()),
    bak_third: describe(thirdFiles()),
    bak_fourth: describe(fourthFiles()),
    bak_fifth: describe(fourthFiles()),
  };
}
