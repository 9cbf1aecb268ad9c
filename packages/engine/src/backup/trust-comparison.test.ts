import { crc32c } from "@tidemark/kit";
import type { Extent, FrameSource, OpenedFrame } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import type { ActEvent } from "../act.ts";
import { TrustComparison } from "./trust-comparison.ts";
import { type NamedBlocks, TrustFindings } from "./trust-findings.ts";

const page = 8192;
const path = "base/5/16384.1";
/** Of the second segment's first page, within the relation. */
const first = 131_072;
const parentStart = 1000n;
const nothingNamed: NamedBlocks = async () => new Set();

describe("comparing what came in full with what is stored", () => {
  it("opens no frame where everything is equal, whatever the chunks", async () => {
    const stored = pages(40, 1);
    for (const chunk of [1000, page, 32_768, 1_000_000]) {
      const rig = comparisonOf(stored);
      await rig.take(stored, chunk);
      expect(await rig.settle(nothingNamed)).toEqual([]);
      expect(rig.opened).toEqual([]);
    }
  });

  it("passes pages over that are newer than the parent's start, without opening anything for them", async () => {
    const stored = pages(16, 1);
    const rig = comparisonOf(stored);
    await rig.take(pages(16, 2, 1000), 50_000);
    expect(await rig.settle(nothingNamed)).toEqual([]);
    expect(rig.opened).toEqual([]);
  });

  it("finds a flipped bit in the middle of changed pages, and says that it cannot be told whose", async () => {
    const stored = pages(40, 1);
    const now = new Uint8Array(stored);
    now.set(pages(3, 9, 5000), 20 * page);
    flip(now, 24 * page + 100);
    const rig = comparisonOf(stored);
    await rig.take(now, 32_768);
    expect(await rig.settle(nothingNamed)).toEqual([{ path, blocks: [first + 24], older: "neither" }]);
    expect(rig.opened).toEqual(["pck:1"]);
    expect(rig.events).toEqual([
      {
        kind: "log",
        level: "warning",
        message: expect.stringMatching(/^1 page of base\/5\/16384\.1 \(block 131096\) differs .* damaged at rest/),
      },
    ]);
  });

  it("says which side is older where the LSNs differ", async () => {
    const stored = pages(16, 1, 500);
    const now = new Uint8Array(stored);
    now.set(pages(1, 7, 400), 2 * page);
    now.set(pages(2, 8, 600), 5 * page);
    const rig = comparisonOf(stored);
    await rig.take(now, 32_768);
    expect(await rig.settle(nothingNamed)).toEqual([
      { path, blocks: [first + 5, first + 6], older: "stored" },
      { path, blocks: [first + 2], older: "server" },
    ]);
  });

  it("holds nothing against anyone that a summary names", async () => {
    const stored = pages(16, 1);
    const now = new Uint8Array(stored);
    for (const block of [3, 4]) flip(now, block * page + 200);
    const rig = comparisonOf(stored);
    await rig.take(now, 32_768);
    const named: NamedBlocks = async (asked, blocks) => {
      expect([asked, blocks]).toEqual([path, [first + 3, first + 4]]);
      return new Set([first + 4]);
    };
    expect(await rig.settle(named)).toEqual([{ path, blocks: [first + 3], older: "neither" }]);
  });

  it("does not judge pages of zeros when the summaries cannot be asked, and does when they can", async () => {
    const stored = pages(16, 1);
    const now = new Uint8Array(stored);
    now.fill(0, 6 * page, 7 * page);
    for (const [named, blocks] of [
      [null, []],
      [nothingNamed, [first + 6]],
    ] as const) {
      const rig = comparisonOf(stored);
      await rig.take(now, 32_768);
      expect((await rig.settle(named)).flatMap((finding) => finding.blocks)).toEqual(blocks);
    }
  });

  it("leaves sequences alone, and pages of access methods it does not know", async () => {
    for (const special of [0x1717, 0xff83_0000]) {
      const stored = pages(1, 1);
      const view = new DataView(stored.buffer);
      view.setUint16(16, page - 8, true);
      view.setUint32(page - 8, special === 0x1717 ? special : 0, true);
      view.setUint32(page - 4, special === 0x1717 ? 0 : special, true);
      const now = new Uint8Array(stored);
      flip(now, 5000);
      const rig = comparisonOf(stored);
      await rig.take(now, 32_768);
      expect(await rig.settle(nothingNamed)).toEqual([]);
    }
  });

  it("compares with stored zeros, with a longer and with a shorter file", async () => {
    const stored = pages(20, 1);
    stored.fill(0, 16 * page);
    const now = new Uint8Array(stored);
    now.set(pages(1, 4), 18 * page);
    const rig = comparisonOf(stored);
    await rig.take(now, 10_000);
    expect((await rig.settle(nothingNamed)).flatMap((finding) => finding.blocks)).toEqual([first + 18]);

    const longer = comparisonOf(stored);
    await longer.take(new Uint8Array([...stored, ...pages(4, 5, 2000)]), 32_768);
    expect(await longer.settle(nothingNamed)).toEqual([]);

    const shorter = comparisonOf(stored);
    const cut = new Uint8Array(stored.subarray(0, 5 * page));
    flip(cut, 4 * page + 300);
    await shorter.take(cut, 32_768);
    expect((await shorter.settle(nothingNamed)).flatMap((finding) => finding.blocks)).toEqual([first + 4]);
  });

  it("leaves a run out whose frame cannot be opened, and takes no part in maps", async () => {
    const stored = pages(16, 1);
    const now = new Uint8Array(stored);
    flip(now, 300);
    const rig = comparisonOf(stored, { damaged: true });
    await rig.take(now, 32_768);
    expect(await rig.settle(nothingNamed)).toEqual([]);
    for (const other of ["base/5/16384_vm", "base/5/16384_fsm", "global/pg_control", "PG_VERSION"]) {
      expect(await rig.comparison.begin(new TextEncoder().encode(other))).toBeNull();
    }
  });
});

/** Pages of an unknown table: header, one item's worth of bytes that depend on `seed`. */
function pages(count: number, seed: number, lsn = 500): Uint8Array {
  const bytes = new Uint8Array(count * page);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += page) {
    view.setUint32(at + 4, lsn, true);
    view.setUint16(at + 12, 28, true);
    view.setUint16(at + 14, 64, true);
    view.setUint16(at + 16, page, true);
    bytes.fill((seed + at / page) & 0xff, at + 64, at + page);
  }
  return bytes;
}

function flip(bytes: Uint8Array, at: number): void {
  bytes[at] = (bytes[at] as number) ^ 1;
}

function comparisonOf(stored: Uint8Array, how: { readonly damaged?: boolean } = {}) {
  const opened: string[] = [];
  const events: ActEvent[] = [];
  const signal = new AbortController().signal;
  const extents = extentsOf(stored);
  const frames: Pick<FrameSource, "readFrames"> = {
    async *readFrames(packId, [frameIndex = 0]): AsyncGenerator<OpenedFrame> {
      opened.push(`${packId}:${frameIndex}`);
      if (how.damaged === true)
        yield { kind: "damaged", frameIndex, code: "pack-damaged", reason: "its bytes are wrong" };
      else
        yield {
          kind: "plain",
          frameIndex,
          plain: stored.slice(frameIndex * 16 * page, (frameIndex + 1) * 16 * page),
          crc32c: 0,
        };
    },
  };
  const findings = new TrustFindings({ signal, emit: (event) => events.push(event) });
  const comparison = new TrustComparison({
    parentExtents: async () => ({ extentAt: async (at) => extents.find((extent) => end(extent) > at) ?? null }),
    frames,
    findings,
    layout: { blockSize: page, blocksPerSegment: 131_072 },
    major: 18,
    parentStartLsn: parentStart,
    signal,
  });
  const take = async (now: Uint8Array, chunk: number) => {
    const file = await comparison.begin(new TextEncoder().encode(path));
    for (let at = 0; at < now.length; at += chunk) await file?.write(now.slice(at, at + chunk));
    await file?.end();
  };
  return { comparison, opened, events, take, settle: (named: NamedBlocks | null) => findings.settle(named) };
}

function end(extent: Extent): number {
  return Number(extent.fileOffset) + Number(extent.lengthBytes);
}

/** Frames of 16 pages; the second one in pieces, as after an incremental; zeros as zeros. */
function extentsOf(stored: Uint8Array): readonly Extent[] {
  const cuts = [0, 16, 19, 20, 32, 48].map((cut) => Math.min(cut * page, stored.length));
  return cuts.slice(1).flatMap((to, index): Extent[] => {
    const from = cuts[index] ?? 0;
    if (to === from) return [];
    const bytes = stored.subarray(from, to);
    const fileOffset = BigInt(from);
    if (bytes.every((byte) => byte === 0))
      return [{ kind: "zeros", fileOffset, lengthBytes: BigInt(to - from) } as const];
    const frameIndex = Math.floor(from / (16 * page));
    const place = { packId: "pck", frameIndex, offsetInFrame: from - frameIndex * 16 * page };
    return [
      {
        kind: "frame",
        fileOffset,
        lengthBytes: to - from,
        ...place,
        crc32c: crc32c(bytes),
        fingerprint: null,
      } as const,
    ];
  });
}
