import { crc32c } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BaseBackupEvent } from "./base-backup-events.ts";
import { incrementalFile } from "./incremental-file.fixture.ts";
import { IncrementalMembers, incrementedPath } from "./incremental-members.ts";

const layout = { blockSize: 512, blocksPerSegment: 300 };

/** What an increment's bytes become when they arrive in pieces cut at `cuts`. */
function take(bytes: Uint8Array, cuts: readonly number[] = [], name = "base/5/INCREMENTAL.16384.2") {
  const members = new IncrementalMembers(layout);
  const begin = {
    kind: "file-begin",
    path: Buffer.from(name),
    mode: 0o600,
    sizeBytes: bytes.length,
    modifiedAt,
  } as const;
  const events: BaseBackupEvent[] = [...members.take(begin)];
  let from = 0;
  for (const to of [...cuts.toSorted((left, right) => left - right), bytes.length]) {
    // A reused buffer, as a socket's is: nothing may be kept of it.
    const chunk = Uint8Array.from(bytes.subarray(from, to));
    for (const event of members.take({ kind: "file-data", chunk })) {
      events.push(event.kind === "file-data" ? { kind: "file-data", chunk: Uint8Array.from(event.chunk) } : event);
    }
    chunk.fill(0xee);
    from = to;
  }
  return [...events, ...members.take({ kind: "file-end" })];
}

const modifiedAt = new Date(0);
const dataOf = (events: readonly BaseBackupEvent[]) =>
  Buffer.concat(events.flatMap((event) => (event.kind === "file-data" ? [event.chunk] : [])));
const header = (count: number, truncation: number, blocks: readonly number[] = [], magic = 0xd3ae1f0d) => {
  const words = Buffer.alloc(12 + blocks.length * 4);
  for (const [index, word] of [magic, count, truncation, ...blocks].entries()) words.writeUInt32LE(word, index * 4);
  return words;
};

describe("IncrementalMembers", () => {
  it("tells the blocks, the length and the checksum of what was sent, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 299 }), { maxLength: 200 }),
        fc.nat({ max: 300 }),
        fc.array(fc.nat({ max: 30_000 }), { maxLength: 6 }),
        (numbers, truncation, cuts) => {
          const blocks = numbers.toSorted((left, right) => left - right);
          const bytes = incrementalFile({ blocks, truncation, ...layout });
          const events = take(
            bytes,
            cuts.filter((cut) => cut < bytes.length),
          );
          const [begin] = events;
          expect(begin).toMatchObject({
            kind: "increment-begin",
            sentBytes: bytes.length,
            header: { blocks: Uint32Array.from(blocks), truncationBlocks: truncation },
          });
          expect(events.at(-1)).toEqual({ kind: "increment-end", sentCrc32c: crc32c(bytes) });
          expect(dataOf(events)).toEqual(bytes.subarray(bytes.length - blocks.length * 512));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is the same at every single cut of a header", () => {
    const bytes = incrementalFile({ blocks: [0, 7, 299], truncation: 300, ...layout });
    const whole = dataOf(take(bytes));
    for (let cut = 0; cut <= 520; cut++) expect(dataOf(take(bytes, [cut]))).toEqual(whole);
  });

  it("names the relation's file, in tablespaces too", () => {
    const bytes = incrementalFile({ blocks: [], truncation: 4, ...layout });
    expect(bytes).toHaveLength(12);
    const [begin] = take(bytes, [], "pg_tblspc/16400/PG_18_202506291/5/INCREMENTAL.2619_init");
    expect(begin?.kind === "increment-begin" && Buffer.from(begin.path).toString()).toBe(
      "pg_tblspc/16400/PG_18_202506291/5/2619_init",
    );
  });

  it("takes a length beyond the segment, which old minors send, for a whole segment", () => {
    const [begin] = take(header(0, 301));
    expect(begin).toMatchObject({ header: { truncationBlocks: 300 } });
  });

  it("lets other files through untouched", () => {
    for (const name of ["base/5/16384", "base/5/INCREMENTAL.txt", "INCREMENTAL.16384", "pg_xact/INCREMENTAL.0000"]) {
      expect(incrementedPath(Buffer.from(name))).toBeNull();
      expect(take(Buffer.from("text"), [], name).map(({ kind }) => kind)).toEqual([
        "file-begin",
        "file-data",
        "file-end",
      ]);
    }
  });

  const padded = (bytes: Uint8Array, size: number) => Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]);
  it.each([
    ["too short for a header", Buffer.alloc(11)],
    ["another magic", header(0, 4, [], 0xd3ae1f0e)],
    ["more blocks than a segment has", padded(header(301, 4), 400_000)],
    ["a count that would fill memory", padded(header(0xffffffff, 4), 2_000)],
    ["fewer bytes than its blocks take", padded(header(2, 4, [0, 1]), 512 + 512)],
    ["more bytes than its blocks take", padded(header(1, 4, [0]), 512 + 1024)],
    ["bytes behind a header without blocks", padded(header(0, 4), 13)],
    ["blocks that descend", padded(header(2, 4, [3, 2]), 512 + 1024)],
    ["a block twice", padded(header(2, 4, [3, 3]), 512 + 1024)],
    ["a block no segment has", padded(header(1, 4, [300]), 512 + 512)],
    ["a gap that is not zeros", padded(header(1, 4, [3, 9]), 512 + 512)],
  ])("refuses %s", (_, bytes) => {
    expect(() => take(bytes)).toThrow(expect.objectContaining({ code: "backup-stream-damaged" }));
  });

  it("refuses one that ends inside its header", () => {
    const members = new IncrementalMembers(layout);
    const sizeBytes = 1_024;
    members.take({
      kind: "file-begin",
      path: Buffer.from("base/5/INCREMENTAL.16384"),
      mode: 0o600,
      sizeBytes,
      modifiedAt,
    });
    members.take({ kind: "file-data", chunk: header(1, 4, [3]) });
    expect(() => members.take({ kind: "file-end" })).toThrow("ends inside its header");
  });
});
