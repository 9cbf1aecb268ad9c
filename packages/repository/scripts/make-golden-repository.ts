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
import { createRepository, formatVersion, type RepositoryStep, type ServerArea } from "../src/index.ts";
import { InlineEncoder, noise, takeTestBackup, testFacts, testKey, writeFiles } from "../src/test-repository.ts";

const folder = fileURLToPath(new URL(`../fixtures/golden-${formatVersion}`, import.meta.url));

await mkdir(folder, { recursive: true });
await writeFile(join(folder, "key.txt"), `${testKey.text.reveal()}\n`);
await writeFile(join(folder, "expected.json"), `${JSON.stringify(expected(), null, 2)}\n`);
for (const encrypted of [true, false]) await make(encrypted);

async function make(encrypted: boolean): Promise<void> {
  let ids = 0;
  let salts = 0;
  let dying = false;
  const onStep = (step: RepositoryStep): void => {
    if (dying && step === "manifest:before-put") throw new Error("killed");
  };
  const clock: Clock = { now: () => new Date("2026-01-02T03:04:05.000Z"), monotonicMs: () => 0 };
  const repository = await createRepository(new FilesystemStore(join(folder, encrypted ? "encrypted" : "plain")), {
    encryption: encrypted ? testKey : "none",
    clock,
    onStep,
    newId: (kind: IdKind) => `${idPrefixes[kind]}_${String(++ids).padStart(26, "0")}`,
    randomBytes: (length) => noise(length, ++salts),
  });
  const area = repository.area("srv_golden");
  await takeTestBackup(area, "bak_first", null, firstFiles());
  await takeTestBackup(area, "bak_second", "bak_first", secondFiles(), { ...testFacts, includedWal: null, notes: [] });
  const at = new Date("2026-01-03T00:00:00.000Z");
  await area.addMark("bak_first", { kind: "hold", text: "audit 2026", by: "ada", at });
  await area.addMark("bak_first", { kind: "note", text: "before the move – vor dem Umzug", by: "ada", at });
  dying = true;
  await leaveDeadRun(area);
  await repository.close();
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

function expected(): unknown {
  const describe = (files: Map<string, Uint8Array>): unknown =>
    [...files].map(([name, bytes]) => ({
      name,
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    }));
  return { bak_first: describe(firstFiles()), bak_second: describe(secondFiles()) };
}
