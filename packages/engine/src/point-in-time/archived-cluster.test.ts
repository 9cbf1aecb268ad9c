import { createRepository, type StoredBackup, type WalSegmentPlace } from "@tidemark/repository";
import { MemoryStore } from "@tidemark/storage";
import { expect, it } from "vitest";
import { readArchivedClusters } from "./archived-cluster.ts";

const sizeBytes = 1 << 20;
const size = BigInt(sizeBytes);
const systemIdentifier = 7n;
const place = (number: bigint, timeline = 1): WalSegmentPlace => ({ timeline, startLsn: number * size, sizeBytes });

it("knows what there is of each segment that never came whole, before a gap too", async () => {
  const repository = await createRepository(new MemoryStore(), { encryption: "none" });
  const area = repository.area("srv_1");
  const archive = area.wal(systemIdentifier);
  const put = async (at: WalSegmentPlace) =>
    await archive.putSegment(
      at,
      (async function* () {
        yield new Uint8Array(sizeBytes);
      })(),
      null,
    );
  const keep = async (at: WalSegmentPlace, writer: string, bytes: Uint8Array) => {
    const open = await archive.beginSegment(at, { writer });
    await open.write(bytes);
    await open.flush();
    await open.abandon();
  };
  await put(place(1n));
  await keep(place(2n), "a", new Uint8Array(300_000));
  // Two writers that differ: of that one there is nothing.
  await keep(place(3n), "a", new Uint8Array(200_000).fill(1));
  await keep(place(3n), "b", new Uint8Array(200_000).fill(2));
  await put(place(5n));
  await keep(place(6n), "a", new Uint8Array(100_000));
  const facts = {
    ...{ systemIdentifier, stopTimeline: 1, startLsn: size + 40n, stopLsn: size + 80n, stoppedAt: new Date() },
    ...{ includedWal: null, walSegmentSizeBytes: sizeBytes, serverVersion: 180_000 },
  };
  const backups = [{ backupId: "bkp_1", facts }] as unknown as readonly StoredBackup[];
  const [cluster] = await readArchivedClusters(area, backups, new AbortController().signal);
  expect(cluster?.partials.map(({ startLsn, endLsn }) => [startLsn / size, endLsn - startLsn])).toEqual([
    [2n, 300_000n],
    [6n, 100_000n],
  ]);
  await repository.close();
});
