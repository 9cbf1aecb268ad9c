/**
 * Receives a server's WAL into a repository on the file system until a position is durable there, then ends, for measuring:
 *
 *     node packages/engine/scripts/receive-wal.ts --dsn DSN --to FOLDER --slot NAME --until LSN \
 *       [--compression none|zstd:1|lz4|auto] [--key-file FILE] [--synchronous] [--endless] [--receivers N]
 *
 * FOLDER is made into a repository (not encrypted, unless a key file is given) when it is none. Prints one line of JSON:
 * segments, plain and stored bytes, seconds, processor seconds, highest memory, and the longest time the event loop was
 * blocked. `--endless` ignores `--until` and prints a line a second until it gets SIGINT or SIGTERM. `--receivers N`: so many
 * at once in this process, each with an area of its own and the slot NAME_0, NAME_1, …
 *
 * Loads what a receiver needs alone, since its memory is measured: the whole engine takes 10 MiB more. What Node has not
 * compiled before (NODE_COMPILE_CACHE) it compiles with another 15.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { AppError, Secret, systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { formatLsn, type Lsn, parseDsn, parseLsn } from "@tidemark/postgres";
import { createRepository, openRepository, parseCompression, type Repository } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { startSliceMonitor } from "../src/slice-monitor.ts";
import type { WalReceiverState } from "../src/wal/receive/receive-types.ts";
import { receiveWal } from "../src/wal/receive/receive-wal.ts";

const { values } = parseArgs({
  options: {
    dsn: { type: "string" },
    to: { type: "string" },
    slot: { type: "string", default: "tidemark_measured" },
    until: { type: "string" },
    compression: { type: "string", default: "zstd:1" },
    "key-file": { type: "string" },
    synchronous: { type: "boolean", default: false },
    endless: { type: "boolean", default: false },
    receivers: { type: "string" },
  },
});
if (values.dsn === undefined || values.to === undefined || (values.until === undefined && !values.endless)) {
  throw new Error("usage: receive-wal.ts --dsn DSN --to FOLDER --until LSN");
}

const startedMs = systemClock.monotonicMs();
const until = values.until === undefined ? null : parseLsn(values.until);
const repository = await open(values.to);
const stop = new AbortController();
const slices = startSliceMonitor(() => undefined);
let state = null as WalReceiverState | null;
let segments = 0;
let plainBytes = 0;
let storedBytes = 0;

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
const ticking = values.endless ? setInterval(() => print(), 1_000) : undefined;
const connection = parseDsn(values.dsn);
if (values.receivers === undefined) await receive(0, values.slot);
else {
  const numbers = Array.from({ length: Number(values.receivers) }, (_, number) => number);
  await Promise.all(numbers.map((number) => receive(number, `${values.slot}_${number}`)));
}
clearInterval(ticking);
await repository.close();
print();
slices.stop();

async function receive(number: number, slotName: string): Promise<void> {
  const there = new AbortController();
  const stopWhenThere = (flushedLsn: bigint | null): void => {
    if (until !== null && !values.endless && flushedLsn !== null && flushedLsn >= until) there.abort();
  };
  await receiveWal(
    {
      area: repository.area(`srv_measured${number}`),
      clock: systemClock,
      logger: createLogger({ name: "receive-wal", level: "warn" }),
      onState: (now) => {
        state = now;
        stopWhenThere(now.flushedLsn);
      },
      onSegment: async (stored) => {
        segments++;
        plainBytes += stored.place.sizeBytes;
        storedBytes += stored.storedBytes ?? 0;
        stopWhenThere(stored.place.startLsn + BigInt(stored.place.sizeBytes));
      },
      onTimeline: async () => undefined,
      onGap: async (gap) => {
        throw new AppError("wal-removed", { message: `there is a gap (${gap.cause})` });
      },
    },
    { connection, slotName, synchronous: values.synchronous, writer: "measured-1", systemIdentifier: null },
    { signal: AbortSignal.any([stop.signal, there.signal]) },
  );
}

async function open(folder: string): Promise<Repository> {
  const store = new FilesystemStore(folder);
  const compression = parseCompression(values.compression);
  const keyFile = values["key-file"];
  if (keyFile !== undefined) {
    const text = new Secret((await readFile(keyFile, "utf8")).trim());
    return await openRepository(store, { compression, key: { kind: "key-file", text } });
  }
  try {
    return await openRepository(store, { compression });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "repository-missing") throw error;
    return await createRepository(store, { encryption: "none", compression });
  }
}

function print(): void {
  const { user, system } = process.cpuUsage();
  const seconds = (systemClock.monotonicMs() - startedMs) / 1000;
  console.log(
    JSON.stringify({
      state: state?.state ?? null,
      flushedLsn: state?.flushedLsn == null ? null : formatLsn(state.flushedLsn as Lsn),
      segments,
      plainBytes,
      storedBytes,
      seconds: Number(seconds.toFixed(3)),
      segmentsPerSecond: Number((segments / seconds).toFixed(1)),
      cpuSeconds: Number(((user + system) / 1e6).toFixed(3)),
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
      longestSliceMs: Number(slices.longestMs.toFixed(1)),
    }),
  );
}
