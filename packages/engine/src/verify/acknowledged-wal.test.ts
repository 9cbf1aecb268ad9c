import { AppError } from "@tidemark/kit";
import type { WalArchive } from "@tidemark/repository";
import { expect, it } from "vitest";
import { type AcknowledgedWal, acknowledgedButMissing } from "./acknowledged-wal.ts";

const sizeBytes = 1 << 20;
const name = "000000020000000000000003.partial";

/** An archive of timeline 2, which begins at 0/300100, with a segment in the making up to `endLsn`; null: nothing of it. */
function look(
  told: Partial<AcknowledgedWal> | null,
  archived: { readonly endLsn?: bigint | Error; readonly whole?: boolean },
) {
  const { endLsn = null, whole = false } = archived;
  const archive = {
    systemIdentifier: 7n,
    partialOf: () =>
      endLsn instanceof Error ? Promise.reject(endLsn) : Promise.resolve(endLsn === null ? null : { endLsn }),
    has: () => Promise.resolve(whole),
  } as unknown as WalArchive;
  return acknowledgedButMissing({
    ...{ archive, sizeBytes, signal: new AbortController().signal },
    begins: new Map([[2, 0x30_0100n]]),
    acknowledged: () =>
      Promise.resolve(told === null ? null : { systemIdentifier: 7n, timeline: 2, lsn: 0x30_8000n, ...told }),
  });
}

it("finds nothing missing where the pieces reach the position, or the segment is whole by now", async () => {
  expect(await look({}, { endLsn: 0x30_8000n })).toEqual({ name, sentence: null });
  expect(await look({}, { endLsn: 0x30_9000n })).toEqual({ name, sentence: null });
  expect(await look({}, { whole: true })).toEqual({ name, sentence: null });
});

it.each<[string, Partial<AcknowledgedWal> | null]>([
  ["no receiver is at work", null],
  ["it is another cluster's", { systemIdentifier: 8n }],
  ["the position is the end of a whole segment", { lsn: 0x30_0000n }],
  ["the timeline's parent holds the bytes", { lsn: 0x30_0100n }],
  ["where the timeline begins is not known", { timeline: 3 }],
])("says nothing where %s", async (_why, told) => {
  expect(await look(told, {})).toBeNull();
});

it("leaves pieces that cannot be read to whoever reads them, and throws what is no word about them", async () => {
  expect(await look({}, { endLsn: new AppError("wal-damaged", { message: "rotten" }) })).toBeNull();
  const away = new AppError("storage-unreachable", { message: "away" });
  await expect(look({}, { endLsn: away })).rejects.toBe(away);
});
