import { createRepository, type WalSegmentPlace } from "@tidemark/repository";
import { MemoryStore } from "@tidemark/storage";
import { expect, it } from "vitest";
import { PieceCheck, pieceFindings } from "./piece-findings.ts";

const sizeBytes = 1 << 20;
const place = (number: bigint): WalSegmentPlace => ({ timeline: 1, startLsn: number * BigInt(sizeBytes), sizeBytes });

it("tells of pieces that contradict a whole segment, which they are and what is safe", async () => {
  const repository = await createRepository(new MemoryStore(), { encryption: "none" });
  const archive = repository.area("srv_1").wal(7n);
  const keep = async (at: WalSegmentPlace, writer: string, fill: number) => {
    const open = await archive.beginSegment(at, { writer });
    await open.write(new Uint8Array(200_000).fill(fill));
    await open.flush();
    return open;
  };
  const finish = async (at: WalSegmentPlace, writer: string) => {
    const open = await keep(at, writer, 1);
    await open.write(new Uint8Array(sizeBytes - 200_000));
    await open.finish(null);
  };
  await keep(place(1n), "dead", 2);
  await finish(place(1n), "living");
  await keep(place(2n), "dead", 1);
  await finish(place(2n), "living");
  await keep(place(3n), "living", 1);
  const check = new PieceCheck();
  for await (const entry of archive.list()) check.note(entry);
  const contradicted = await check.contradicted(archive);
  expect(contradicted).toMatchObject([{ name: "000000010000000000000001", lsn: 1_048_576n, pieces: 1 }]);
  const [finding, ...others] = pieceFindings({ id: "srv_1", name: "orders" }, contradicted);
  expect(others).toEqual([]);
  expect(finding?.checkId).toBe("wal-pieces-differ");
  expect(finding?.found).toContain("000000010000000000000001");
  expect(finding?.found).toContain("differs at 0/100000");
  expect(finding?.why).toContain("what is stored whole is safe");
  expect(pieceFindings({ id: "srv_1", name: "orders" }, [])).toEqual([]);
  await repository.close();
});
