import { keepEverything } from "@tidemark/policy";
import { createRepository, type WalArchive, type WalSegmentPlace } from "@tidemark/repository";
import { MemoryStore } from "@tidemark/storage";
import { fakeClock } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import type { ActControl } from "../act.ts";
import { executeWalExpiry, planWalExpiry } from "./expire-wal.ts";

const control: ActControl = { signal: new AbortController().signal, emit: () => undefined };
const size = 1 << 20;
const place = (number: number): WalSegmentPlace => ({ timeline: 1, startLsn: BigInt(number * size), sizeBytes: size });

async function write(wal: WalArchive, number: number, length = size): Promise<void> {
  const writer = await wal.beginSegment(place(number), { writer: "test" });
  await writer.write(new Uint8Array(length).fill(number));
  if (length === size) await writer.finish(null);
  else await writer.flush();
  await writer.abandon();
}

describe("retention of WAL", () => {
  it("takes of a part that goes nothing that became whole since the plan was made", async () => {
    const clock = fakeClock("2026-03-01T00:00:00Z");
    const repository = await createRepository(new MemoryStore(clock), { encryption: "none", clock });
    const area = repository.area("srv_test");
    const wal = area.wal(1n);
    await write(wal, 1);
    await write(wal, 2, 5_000);
    const plan = await planWalExpiry({ area, clock }, keepEverything, control.signal);
    const partials = [{ systemIdentifier: 1n, timeline: 1, startLsn: place(2).startLsn, endLsn: 0n, facts: null }];
    const stale = { ...plan, retention: { ...plan.retention, removePartials: partials } };
    await write(wal, 2);
    await write(wal, 3, 5_000);
    await executeWalExpiry({ area, clock }, stale, control);
    expect(await wal.has("000000010000000000000002")).toBe(true);
    expect((await wal.partial(1))?.place).toEqual(place(3));
    await repository.close();
  });
});
