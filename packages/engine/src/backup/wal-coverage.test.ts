import type { Lsn, ManifestWalRange } from "@tidemark/postgres";
import { describe, expect, it } from "vitest";
import { splitByHistory } from "../restore/write-backup-manifest.ts";
import { WalCoverage } from "./wal-coverage.ts";

const mib = 1024n * 1024n;
const size = 16 * 1024 * 1024;
const identity = { major: 18, systemIdentifier: 7_000_000_000_000_000_001n, segmentSizeBytes: size };
const lsn = (mebibytes: number) => (BigInt(mebibytes) * mib) as Lsn;
const range = (timeline: number, start: number, end: number): ManifestWalRange => ({
  timeline,
  startLsn: lsn(start),
  endLsn: lsn(end),
});

interface Header {
  magic?: number;
  info?: number;
  timeline?: number;
  address?: bigint;
  system?: bigint;
  segmentSize?: number;
}

function header(position: bigint, change: Header = {}): Uint8Array {
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, change.magic ?? 0xd118, true);
  view.setUint16(2, change.info ?? 2, true);
  view.setUint32(4, change.timeline ?? 1, true);
  view.setBigUint64(8, change.address ?? position, true);
  view.setBigUint64(24, change.system ?? identity.systemIdentifier, true);
  view.setUint32(32, change.segmentSize ?? size, true);
  return bytes;
}

const name = (timeline: number, number: number) =>
  `${timeline.toString(16).padStart(8, "0")}00000000${number.toString(16).padStart(8, "0")}`.toUpperCase();

function covered(...segments: [timeline: number, number: number][]): WalCoverage {
  const coverage = new WalCoverage(identity);
  for (const [timeline, number] of segments) coverage.add(name(timeline, number), size, header(BigInt(number * size)));
  return coverage;
}

describe("WalCoverage", () => {
  it("agrees when every segment from start to stop is there", () => {
    covered([1, 2], [1, 3]).assertCovers([range(1, 33, 50)], lsn(33), lsn(50));
  });
  it("needs no segment that only begins where the backup stops", () => {
    covered([1, 2]).assertCovers([range(1, 33, 48)], lsn(33), lsn(48));
  });
  it("names the first segment that is missing", () => {
    expect(() => covered([1, 2], [1, 4]).assertCovers([range(1, 33, 70)], lsn(33), lsn(70))).toThrow(
      "000000010000000000000003",
    );
  });
  it("refuses ranges that stop short of the end", () => {
    expect(() => covered([1, 2]).assertCovers([range(1, 33, 40)], lsn(33), lsn(47))).toThrow("only up to 0/2800000");
  });
  it("takes the segment of the new timeline where the server switched inside it", () => {
    covered([1, 2], [2, 3]).assertCovers([range(2, 50, 60), range(1, 33, 50)], lsn(33), lsn(60));
  });
  it("does not take an older timeline's segment for a newer one's", () => {
    expect(() => covered([1, 2], [1, 3]).assertCovers([range(1, 33, 50), range(2, 50, 60)], lsn(33), lsn(60))).toThrow(
      "0000000200000000",
    );
  });
  it("passes over what is no segment", () => {
    const coverage = new WalCoverage(identity);
    coverage.add("00000002.history", 42, new Uint8Array(0));
    coverage.add("archive_status/000000010000000000000002.done", 0, new Uint8Array(0));
    expect(() => coverage.assertCovers([range(1, 33, 34)], lsn(33), lsn(34))).toThrow("was not sent");
  });
  it.each<[string, number, Header]>([
    ["another size", size - 1, {}],
    ["the magic of another major", size, { magic: 0xd116 }],
    ["no long header", size, { info: 0 }],
    ["a later timeline", size, { timeline: 2 }],
    ["another position", size, { address: 0n }],
    ["another cluster", size, { system: 1n }],
    ["another segment size", size, { segmentSize: 1 }],
  ])("refuses a segment with %s", (_, bytes, change) => {
    const coverage = new WalCoverage(identity);
    expect(() => coverage.add(name(1, 2), bytes, header(BigInt(2 * size), change))).toThrow(
      expect.objectContaining({ code: "backup-stream-damaged" }),
    );
  });
});

describe("splitByHistory", () => {
  it("gives a range per timeline that lies between start and stop", () => {
    const history = "1\t0/1000000\tno recovery target specified\n\n2\t0/3200000\tafter a switch\n";
    expect(splitByHistory(history, 2, range(3, 33, 60))).toEqual([range(2, 33, 50), range(3, 50, 60)]);
  });
  it("leaves out switches before the start", () => {
    expect(splitByHistory("1\t0/1000000\tlong ago\n", 1, range(2, 33, 60))).toEqual([range(2, 33, 60)]);
  });
});
