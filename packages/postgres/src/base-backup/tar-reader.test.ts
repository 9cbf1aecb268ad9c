import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TarReader } from "./tar-reader.ts";
import { tarHeader, tarMember } from "./tar-writer.fixture.ts";

const archive = Buffer.concat([
  tarMember({ name: "backup_label", body: Buffer.from("START WAL LOCATION") }),
  tarMember({ name: "base/1/", type: "5" }),
  tarMember({ name: Buffer.from([0x66, 0xff, 0xfe]), body: Buffer.alloc(513, 3) }),
  tarMember({ name: "empty" }),
  tarMember({ name: "pg_tblspc/16384", type: "2", target: "/srv/ts" }),
  tarMember({ name: "exact", body: Buffer.alloc(1024, 9) }),
]);

/** Reads the pieces and describes what was found; contents are joined. */
function readAll(pieces: readonly Uint8Array[]): string[] {
  const reader = new TarReader();
  const found: string[] = [];
  let body = Buffer.alloc(0);
  for (const piece of pieces) {
    reader.push(piece);
    for (let event = reader.next(); event !== null; event = reader.next()) {
      if (event.kind === "data") body = Buffer.concat([body, event.chunk]);
      else if (event.kind === "member") {
        const { type, name, mode, sizeBytes, target } = event.member;
        found.push(
          `${type} ${Buffer.from(name).toString("latin1")} ${mode.toString(8)} ${sizeBytes} ${Buffer.from(target)}`,
        );
      } else {
        found.push(`end ${body.toString("latin1")}`);
        body = Buffer.alloc(0);
      }
    }
  }
  reader.finish();
  return found;
}

const wanted = [
  "file backup_label 600 18 ",
  "end START WAL LOCATION",
  "directory base/1/ 600 0 ",
  "file f\xff\xfe 600 513 ",
  `end ${"\x03".repeat(513)}`,
  "file empty 600 0 ",
  "end ",
  "symlink pg_tblspc/16384 600 0 /srv/ts",
  "file exact 600 1024 ",
  `end ${"\x09".repeat(1024)}`,
];

describe("TarReader", () => {
  it("reads an archive without its two end blocks (13, 14) and with them (15 and later)", () => {
    expect(readAll([archive])).toEqual(wanted);
    expect(readAll([archive, Buffer.alloc(1024)])).toEqual(wanted);
  });

  it("reads the same when the bytes are split at any offset", () => {
    const whole = Buffer.concat([archive, Buffer.alloc(1024)]);
    for (let at = 0; at <= whole.length; at++)
      expect(readAll([whole.subarray(0, at), whole.subarray(at)])).toEqual(wanted);
  });

  it("reads the same in pieces of any one size", () => {
    for (const size of [1, 7, 511, 512, 513, 1000]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < archive.length; at += size) pieces.push(archive.subarray(at, at + size));
      expect(readAll(pieces)).toEqual(wanted);
    }
  });

  it("reads base-256 sizes above 8 GiB", () => {
    const header = tarHeader({ name: "huge", sizeBytes: 9_000_000_000 });
    const reader = new TarReader();
    reader.push(header);
    expect(reader.next()).toMatchObject({ kind: "member", member: { sizeBytes: 9_000_000_000 } });
  });

  it("notices every truncation that cuts a member", () => {
    const boundaries = new Set([0, 1024, 1536, 3072, 3584, 4096, 5632]);
    for (let length = 0; length < archive.length; length++) {
      if (boundaries.has(length)) continue;
      expect(() => readAll([archive.subarray(0, length)])).toThrow(/ends inside a member/);
    }
  });

  it("refuses a header in which any byte was changed", () => {
    // The checksum's field is not in the sum, and its number may end in blanks or in zero bytes: those mean the same.
    const isEnd = (at: number, byte: number) => at > 148 && at < 156 && (byte === 0 || byte === 0x20);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 499 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(archive);
        const before = bytes[at] as number;
        const after = before ^ change;
        fc.pre(!(isEnd(at, before) && isEnd(at, after)));
        bytes[at] = after;
        expect(() => readAll([bytes])).toThrow(expect.objectContaining({ code: "backup-stream-damaged" }));
      }),
    );
  });

  it("refuses anything behind the end, and unknown types", () => {
    expect(() => readAll([archive, Buffer.alloc(1024), Buffer.from("x")])).toThrow(/follows the end/);
    expect(() => readAll([tarMember({ name: "dev", type: "3" })])).toThrow(/unknown type/);
  });
});
