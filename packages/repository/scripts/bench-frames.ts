/**
 * Measures a whole backup, a second one of unchanged data, and reading everything back, through worker threads, to a
 * folder: `node packages/repository/scripts/bench-frames.ts [MiB] [threads]`. Prints one line per step.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { FilesystemStore } from "@tidemark/storage";
import { createRepository, FramePool, newRepositoryKey, type Repository, type ServerArea } from "../src/index.ts";
import { noise, testFacts } from "../src/test-repository.ts";

const megabytes = Number(process.argv[2] ?? 1024);
const threads = Number(process.argv[3] ?? 2);

const chunk = tableData(1 << 20);

for (const encrypted of [true, false]) await measure(encrypted);

async function measure(encrypted: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-bench-"));
  const encryption = encrypted ? newRepositoryKey((length) => noise(length, 7)) : "none";
  const repository = await createRepository(new FilesystemStore(folder), { encryption, openerThreads: threads });
  try {
    const area = repository.area("srv_1");
    await report(`backup, encrypted ${encrypted}`, () => backup(area, "bak_1", null));
    await report(`unchanged, encrypted ${encrypted}`, () => backup(area, "bak_2", "bak_1"));
    await report(`read back, encrypted ${encrypted}`, () => readAll(repository, area));
  } finally {
    await repository.close();
    await rm(folder, { recursive: true });
  }
}

async function report(name: string, act: () => Promise<string>): Promise<void> {
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const note = await act();
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.cpuUsage(cpu);
  const highWater = /VmHWM:\s+(\d+) kB/.exec(await readFile("/proc/self/status", "utf8"))?.[1];
  const figures = [
    `${(megabytes / seconds).toFixed(0)} MiB/s`,
    `${((used.user + used.system) / 1e6).toFixed(1)} s CPU in ${seconds.toFixed(1)} s`,
    `longest delay ${(delays.max / 1e6).toFixed(0)} ms`,
    `peak RSS ${(Number(highWater) / 1024).toFixed(0)} MiB`,
    note,
  ];
  process.stdout.write(`${name}: ${figures.join(", ")}\n`);
}

/** Files of 64 MiB; rows that compress about as table data does (to a third). */
async function backup(area: ServerArea, backupId: string, parentId: string | null): Promise<string> {
  const encoder = new FramePool({ threads });
  const writer = await area.beginBackup({ backupId, parentId, startedAt: new Date(0), encoder });
  for (let written = 0; written < megabytes; written += 64) {
    const path = new TextEncoder().encode(`base/5/${written}`);
    const sizeBytes = BigInt(Math.min(64, megabytes - written)) << 20n;
    const file = await writer.addFile({ path, mode: 0o600, sizeBytes, modifiedAt: new Date(0) });
    for (let at = 0; at < Number(sizeBytes); at += chunk.length) {
      // Each frame differs from the one before, without costing the measurement.
      new DataView(chunk.buffer).setUint32((at / 7) % 1000, at + written);
      await file.write(chunk);
    }
    await file.end();
  }
  const stored = await writer.commit(testFacts);
  await encoder.close();
  return `${((stored.counts?.storedBytes ?? 0n) >> 20n).toString()} MiB stored`;
}

async function readAll(repository: Repository, area: ServerArea): Promise<string> {
  const wanted = new Map<string, number[]>();
  for await (const entry of (await area.openManifest("bak_1")).entries()) {
    if (entry.kind !== "file") continue;
    for (const extent of entry.extents) {
      if (extent.kind !== "frame") continue;
      const indexes = wanted.get(extent.packId) ?? [];
      indexes.push(extent.frameIndex);
      wanted.set(extent.packId, indexes);
    }
  }
  let bytes = 0;
  for (const [packId, indexes] of wanted) {
    for await (const frame of area.frames().readFrames(packId, indexes)) {
      if (frame.kind === "damaged") throw new Error(frame.reason);
      bytes += frame.plain.length;
    }
  }
  return `${bytes >> 20} MiB read of ${repository.id}`;
}

function tableData(length: number): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(length);
  const random = noise(length, 3);
  for (let at = 0; at < length; at++) {
    const column = at % 64;
    text[at] = column < 14 ? (random[at] ?? 0) : column < 24 ? 48 + ((random[at] ?? 0) % 10) : column;
  }
  return text;
}
