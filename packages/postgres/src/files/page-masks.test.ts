import { describe, expect, it } from "vitest";
import { pageKindOf } from "./page-kind.ts";
import { pageLsn, samePage } from "./page-masks.ts";

const place = { fork: "main" as const, block: 70_000, major: 18 };

describe("samePage", () => {
  it("takes a page for the same whose LSN, checksum, hint flags and unused bytes differ", () => {
    const one = heapPage();
    const other = new Uint8Array(one);
    other.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3], 0);
    other[20] = 77;
    other.fill(0xee, 40, 7000);
    expect(samePage(one, other, place)).toBe(true);
    expect(pageLsn(other)).toBe(0x0403_0201_0807_0605n);
  });

  it("takes hint bits for the same, and a frozen tuple for another than one that is not", () => {
    const one = heapPage();
    expect(samePage(one, withInfomask(one, 0x0100), place), "xmin committed").toBe(true);
    expect(samePage(one, withInfomask(one, 0x0900), place), "xmax invalid").toBe(true);
    expect(samePage(one, withInfomask(one, 0x0300), place), "frozen").toBe(false);
    expect(samePage(withInfomask(one, 0x0300), withInfomask(one, 0x0b00), place), "xmax of a frozen one").toBe(true);
    expect(samePage(one, withInfomask(one, 0x0002), place), "has variable width").toBe(false);
  });

  it("sees one changed byte of a row, of a line pointer and of the header's bounds", () => {
    const one = heapPage();
    for (const at of [12, 14, 17, 24, 27, 8150, 8180]) {
      const other = new Uint8Array(one);
      other[at] = (other[at] as number) ^ 0x40;
      expect(samePage(one, other, place), `byte ${at}`).toBe(false);
    }
  });

  it("takes a speculative tuple for the same as the tuple it became", () => {
    const speculative = heapPage();
    new DataView(speculative.buffer).setUint16(tupleAt + 16, 0xfffe, true);
    const confirmed = heapPage();
    const view = new DataView(confirmed.buffer);
    view.setUint16(tupleAt + 12, 1, true);
    view.setUint16(tupleAt + 14, 70_000 - 65_536, true);
    view.setUint16(tupleAt + 16, 1, true);
    expect(samePage(speculative, confirmed, place)).toBe(true);
    expect(samePage(speculative, confirmed, { ...place, block: 5 })).toBe(false);
  });

  it("takes an initialised page that no WAL ever named for a page of zeros, but not one that was logged", () => {
    const empty = emptyPage();
    expect(samePage(empty, new Uint8Array(8192), place)).toBe(true);
    empty[4] = 1;
    expect(samePage(empty, new Uint8Array(8192), place)).toBe(false);
  });

  it("blanks nothing of a page without a sane header but LSN and checksum", () => {
    for (const [what, at, value] of [
      ["lower beyond upper", 13, 0x7f],
      ["special beyond the page", 17, 0x7f],
      ["no upper", 15, 0],
    ] as const) {
      const broken = heapPage();
      broken[at] = value;
      if (what === "no upper") broken[14] = 0;
      expect(pageKindOf(broken), what).toBe("broken");
      const other = new Uint8Array(broken);
      other[8100] = 1;
      expect(samePage(broken, other, place), what).toBe(false);
    }
  });

  it("keeps the content of visibility and free space maps, whose header says that they are empty", () => {
    for (const fork of ["vm", "fsm"] as const) {
      const map = emptyPage();
      map[4] = 1;
      const other = new Uint8Array(map);
      other[100] = 3;
      expect(samePage(map, other, { ...place, fork })).toBe(false);
    }
  });
});

describe("pageKindOf", () => {
  it("tells kinds by their special area, on pages of every block size", () => {
    for (const blockSize of [4096, 8192, 32_768]) {
      expect(pageKindOf(emptyPage(blockSize))).toBe("heap");
      expect(pageKindOf(new Uint8Array(blockSize))).toBe("new");
      const ended = (specialBytes: number, id: number) => {
        const page = emptyPage(blockSize);
        const view = new DataView(page.buffer);
        view.setUint16(14, blockSize - specialBytes, true);
        view.setUint16(16, blockSize - specialBytes, true);
        view.setUint16(blockSize - 2, id, true);
        return pageKindOf(page);
      };
      expect(ended(16, 0)).toBe("btree");
      expect(ended(16, 0xff7f)).toBe("btree");
      expect(ended(16, 0xff80)).toBe("hash");
      expect(ended(16, 0xff81)).toBe("gist");
      expect(ended(8, 0xff82)).toBe("spgist");
      expect(ended(8, 0xf092)).toBe("brin");
      expect(ended(8, 0x0083)).toBe("gin");
      expect(ended(8, 0xff83), "bloom").toBe("other");
      expect(ended(24, 0)).toBe("other");
    }
  });
});

const tupleAt = 8144;

/** One tuple of 41 bytes: its header, 17 bytes of row, 7 of padding to the end of the page. */
function heapPage(): Uint8Array<ArrayBuffer> {
  const page = emptyPage();
  const view = new DataView(page.buffer);
  view.setUint16(12, 28, true);
  view.setUint16(14, tupleAt, true);
  view.setUint32(24, tupleAt | (1 << 15) | (41 << 17), true);
  view.setUint32(tupleAt, 700, true);
  view.setUint8(tupleAt + 22, 24);
  page.fill(0x55, tupleAt + 24, tupleAt + 41);
  return page;
}

function emptyPage(blockSize = 8192): Uint8Array<ArrayBuffer> {
  const page = new Uint8Array(blockSize);
  const view = new DataView(page.buffer);
  view.setUint16(12, 24, true);
  view.setUint16(14, blockSize, true);
  view.setUint16(16, blockSize, true);
  view.setUint16(18, (blockSize & 0xff00) | 4, true);
  return page;
}

function withInfomask(page: Uint8Array, infomask: number): Uint8Array {
  const other = new Uint8Array(page);
  new DataView(other.buffer).setUint16(tupleAt + 20, infomask, true);
  return other;
}
