import { testPlace, testWal } from "./test-wal.ts";
import type { WalArchive } from "./wal-archive.ts";

/** For tests: what a receiver does with an archive in its life. It tells what it was told to be durable, line by line. */
export async function liveAsReceiver(wal: WalArchive, writer: string, tell: (line: string) => void): Promise<void> {
  for (const number of [0, 1]) {
    const segment = await wal.beginSegment(testPlace(number), { writer });
    for (const [from, to] of [
      [0, 300],
      [300, 90_000],
      [90_000, 700_000],
      [700_000, 700_100],
    ] as const) {
      await segment.write(testWal(number).subarray(from, to));
      tell(`flushed ${number} ${Number((await segment.flush()) - segment.place.startLsn)}`);
    }
    await segment.write(testWal(number).subarray(700_100));
    await segment.finish(null);
    tell(`stored ${number}`);
  }
  const last = await wal.beginSegment(testPlace(2), { writer });
  await last.write(testWal(2).subarray(0, 200_000));
  tell(`flushed 2 ${Number((await last.flush()) - last.place.startLsn)}`);
  await last.finishPartial();
  tell("ended");
  await wal.putHistory(2, Buffer.from("1\t0/2030D40\tno recovery target specified\n"));
  tell("history");
  await wal.removeSegments([testPlace(0)]);
  tell("removed");
}
