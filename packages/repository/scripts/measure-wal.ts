/**
 * What one WAL segment costs: processor and wall time of storing, flushing and reading, for each setting, in a repository on a file
 * system. `node packages/repository/scripts/measure-wal.ts [FOLDER] [FILE OF WAL]`: the folder should lie on the disk that
 * is to be measured; without a file of real WAL the bytes are made up and compress worse.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FilesystemStore } from "@tidemark/storage";
import { type CompressionSetting, createRepository, newRepositoryKey, parseCompression } from "../src/index.ts";

const segmentBytes = 16 * 1024 * 1024;
const [folder = tmpdir(), walFile] = process.argv.slice(2);
const wal = walFile === undefined ? madeUp() : await readFile(walFile);

for (const encrypted of [false, true]) {
  for (const setting of ["none", "lz4", "zstd:1"]) await measure(parseCompression(setting), encrypted, setting);
}

async function measure(compression: CompressionSetting, encrypted: boolean, name: string): Promise<void> {
  const place = await mkdtemp(join(folder, "tidemark-measure-"));
  const encryption = encrypted ? newRepositoryKey((length) => new Uint8Array(randomBytes(length))) : "none";
  const repository = await createRepository(new FilesystemStore(place), { encryption, compression });
  const archive = repository.area("srv_measure").wal(1n);
  const label = `${name}${encrypted ? " encrypted" : ""}`.padEnd(18);
  const put = async (number: number, flushEvery: number): Promise<void> => {
    const at = { timeline: 1, startLsn: BigInt(number) * BigInt(segmentBytes), sizeBytes: segmentBytes };
    const writer = await archive.beginSegment(at, { writer: "measure" });
    for (let offset = 0; offset < segmentBytes; offset += 131_072) {
      await writer.write(wal.subarray(offset, offset + 131_072));
      if (flushEvery > 0 && (offset + 131_072) % flushEvery === 0) await writer.flush();
    }
    await writer.finish(null);
  };
  for (let number = 0; number < 20; number++) await put(number, 0);
  await timed(`${label} store`, 40, (turn) => put(20 + turn, 0));
  await timed(`${label} store, flush each MiB`, 20, (turn) => put(60 + turn, 1 << 20));
  await timed(`${label} read`, 20, async (turn) => {
    const hex = (20 + turn).toString(16).toUpperCase().padStart(8, "0");
    for await (const block of archive.read(`0000000100000000${hex}`)) if (block.length === 0) throw new Error("empty");
  });
  await repository.close();
  await rm(place, { recursive: true });
}

async function timed(name: string, turns: number, act: (turn: number) => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  for (let turn = 0; turn < turns; turn++) await act(turn);
  const wallMs = (performance.now() - startedMs) / turns;
  const used = process.cpuUsage(cpu);
  const rssMib = Math.round(process.memoryUsage().rss / 2 ** 20);
  const perSegment = `${wallMs.toFixed(1)} ms wall, ${((used.user + used.system) / 1000 / turns).toFixed(1)} ms processor (${(used.system / 1000 / turns).toFixed(1)} system)`;
  process.stdout.write(
    `${name.padEnd(42)} ${perSegment}; ${(1000 / wallMs).toFixed(0)} segments/s; RSS ${rssMib} MiB\n`,
  );
}

function madeUp(): Uint8Array {
  const bytes = new Uint8Array(segmentBytes);
  for (let at = 0; at < segmentBytes; at += 64) bytes.set(randomBytes(16), at);
  return bytes;
}
