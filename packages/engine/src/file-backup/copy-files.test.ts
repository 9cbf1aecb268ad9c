import { AppError, systemClock } from "@tidemark/kit";
import { pageChecksum } from "@tidemark/postgres";
import type { BackupWriter, NewFile } from "@tidemark/repository";
import { describe, expect, it, vi } from "vitest";
import { SuspectList } from "../backup/suspect-list.ts";
import { YoungList } from "../backup/young-pages.ts";
import { type CopyOptions, FileCopier } from "./copy-files.ts";
import { type FakeEntry, fakeFiles } from "./fake-files.fixture.ts";
import { PageCare } from "./page-care.ts";
import { RateLimit } from "./rate-limit.ts";
import { rangeBytes } from "./read-ahead.ts";
import type { TreeFile } from "./walk-tree.ts";

const layout = { blockSize: 8192, blocksPerSegment: 131_072, checksumsEnabled: true, major: 18 };

/** Copies the entries in their order; gives what was written, and the suspects. */
async function copy(
  entries: Readonly<Record<string, FakeEntry & { readonly sizeBytes: number }>>,
  options: CopyOptions = {},
) {
  const files = fakeFiles(entries);
  const signal = new AbortController().signal;
  const suspects = new SuspectList({ signal, emit: () => undefined });
  const young = new YoungList();
  const written = new Map<string, Buffer>();
  const copier = new FileCopier({
    files,
    writer: memoryWriter(written),
    signal,
    rate: new RateLimit(null, systemClock, signal),
    pageCare: new PageCare(files, layout, 1000n),
    suspects,
    young,
    onBytes: () => undefined,
  });
  await copier.copy(listed(entries), options);
  return { written, suspects: suspects.pages, young: young.pages.files, reads: files.reads };
}

async function* listed(entries: Readonly<Record<string, { readonly sizeBytes: number }>>): AsyncGenerator<TreeFile> {
  for (const [path, { sizeBytes }] of Object.entries(entries)) {
    yield { kind: "file", path, mode: 0o600, sizeBytes, modifiedAt: new Date(0) };
  }
}

function memoryWriter(written: Map<string, Buffer>): BackupWriter {
  const writer = {
    addFile: async ({ path, sizeBytes }: { path: Uint8Array; sizeBytes: bigint }) => {
      const chunks: Buffer[] = [];
      return {
        write: async (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk)),
        end: async () => {
          const bytes = Buffer.concat(chunks);
          expect(bytes.length).toBe(Number(sizeBytes));
          written.set(Buffer.from(path).toString("utf8"), bytes);
        },
      };
    },
  };
  return writer as unknown as BackupWriter;
}

/** A page of `block` with a right checksum, older than the backup's start. */
function page(block: number, fill: number, lsn = 1): Buffer {
  const bytes = Buffer.alloc(8192, fill);
  bytes.writeUInt32LE(0, 0);
  bytes.writeUInt32LE(lsn, 4);
  bytes.writeUInt16LE(100, 14);
  bytes.writeUInt16LE(pageChecksum(bytes, block), 8);
  return bytes;
}

function torn(block: number): Buffer {
  const bytes = page(block, 1);
  bytes.fill(9, 5000);
  return bytes;
}

describe("copying files of a running cluster", () => {
  it("leaves a file out that is gone, and goes on", async () => {
    const { written } = await copy({
      gone: { content: () => null, sizeBytes: 10 },
      there: { content: Buffer.from("0123456789"), sizeBytes: 10 },
    });
    expect([...written.keys()]).toEqual(["there"]);
  });

  it("cuts one that grew at its listed size, and fills one that shrank with zeros", async () => {
    const { written } = await copy({
      grown: { content: Buffer.from("0123456789"), sizeBytes: 4 },
      shrunk: { content: Buffer.from("01"), sizeBytes: 4 },
      emptied: { content: Buffer.alloc(0), sizeBytes: 3 },
      empty: { content: Buffer.alloc(0), sizeBytes: 0 },
    });
    expect(written).toEqual(
      new Map([
        ["grown", Buffer.from("0123")],
        ["shrunk", Buffer.from("01\0\0")],
        ["emptied", Buffer.from("\0\0\0")],
        ["empty", Buffer.alloc(0)],
      ]),
    );
  });

  it("notes pages that were changed since the start, but those of maps, which come in full each time", async () => {
    const content = Buffer.concat([page(0, 1), page(1, 1, 2000), page(2, 1, 2000), page(3, 1, 1000)]);
    const { young } = await copy({
      "base/5/16384": { content, sizeBytes: content.length },
      "base/5/16384_vm": { content, sizeBytes: content.length },
      "pg_xact/0000": { content, sizeBytes: content.length },
    });
    expect(young).toEqual([{ path: "base/5/16384", runs: [1, 2] }]);
  });

  it("fills a file up that went away between two of its ranges", async () => {
    const content = Buffer.alloc(rangeBytes * 2, 7);
    const { written } = await copy({
      large: { content: (reading) => (reading === 1 ? content : null), sizeBytes: rangeBytes * 2 },
    });
    expect(
      written
        .get("large")
        ?.subarray(rangeBytes)
        .every((byte) => byte === 0),
    ).toBe(true);
    expect(
      written
        .get("large")
        ?.subarray(0, rangeBytes)
        .every((byte) => byte === 7),
    ).toBe(true);
  });

  it("puts ranges that are read at once together in their order", async () => {
    const content = Buffer.alloc(rangeBytes * 5 + 3);
    for (let at = 0; at < content.length; at += 1000) content.writeUInt8((at / 1000) % 251, at);
    const { written } = await copy({ large: { content, sizeBytes: content.length } });
    expect(written.get("large")?.equals(content)).toBe(true);
  });

  it("refuses a short file where it must be whole", async () => {
    const onShort = ({ path }: TreeFile) => new AppError("wal-removed", { message: path });
    const entries = { segment: { content: Buffer.from("1"), sizeBytes: 2 } };
    await expect(copy(entries, { onShort })).rejects.toMatchObject({ code: "wal-removed" });
  });

  it("ends with what a read failed with", async () => {
    const failing = () => {
      throw new AppError("connection-lost", { message: "gone" });
    };
    await expect(copy({ file: { content: failing, sizeBytes: 5 } })).rejects.toMatchObject({ code: "connection-lost" });
  });
});

/** Copies with a writer whose encoders read files over ten bytes themselves; says what became of each opened file. */
async function copyOpened(entries: Parameters<typeof copy>[0], options: CopyOptions = {}, failingAt = Infinity) {
  const uses: Record<string, number> = {};
  const log: string[] = [];
  const files = {
    ...fakeFiles(entries),
    open: async (path: string) => {
      if (entries[path]?.content === undefined) return null;
      const count = (step: number): void => {
        uses[path] = (uses[path] ?? 0) + step;
      };
      count(1);
      return { fd: -1, retain: () => count(1), release: () => count(-1), explain: (error: unknown) => error };
    },
  };
  const signal = new AbortController().signal;
  const suspects = new SuspectList({ signal, emit: () => undefined });
  let taken = 0;
  const writer = {
    readsFile: (sizeBytes: number) => sizeBytes > 10,
    addFile: async ({ path, inspect, onResult }: NewFile) => {
      const name = Buffer.from(path).toString("utf8");
      return {
        write: async (chunk: Uint8Array) => void log.push(`${name} write ${chunk.length}`),
        writeFrom: async (_file: unknown, lengthBytes: number) => {
          if (++taken > failingAt) throw new AppError("storage-full", { message: "full" });
          log.push(`${name} writeFrom ${lengthBytes}`);
        },
        end: async () => onResult?.({ crc32c: 0, findings: inspect === undefined ? [] : [4, 6] }),
      };
    },
  };
  const copier = new FileCopier({
    files,
    writer: writer as unknown as BackupWriter,
    signal,
    rate: new RateLimit(null, systemClock, signal),
    pageCare: new PageCare(files, layout, 1000n),
    young: null,
    suspects,
    onBytes: (bytes) => void log.push(`+${bytes}`),
  });
  const failure = await copier.copy(listed(entries), options).catch((error: unknown) => error);
  return { log, uses, failure, suspects: suspects.pages };
}

describe("files that the encoders read", () => {
  const large = { content: Buffer.alloc(rangeBytes + 8192, 1), sizeBytes: rangeBytes + 8192 };

  it("are opened once, given range by range, and let go; small ones are read here", async () => {
    const small = { content: Buffer.from("1"), sizeBytes: 1 };
    const { log, uses } = await copyOpened({ large, small });
    expect(log).toEqual([
      `large writeFrom ${rangeBytes}`,
      `+${rangeBytes}`,
      "large writeFrom 8192",
      "+8192",
      "small write 1",
      "+1",
    ]);
    expect(uses).toEqual({ large: 0 });
  });

  it("are left out when they are gone, and suspect where their encoder says so", async () => {
    const { log, suspects, failure } = await copyOpened({ gone: { sizeBytes: 100 }, "base/5/16400": large });
    expect(failure).toBeUndefined();
    expect(log[0]).toBe(`base/5/16400 writeFrom ${rangeBytes}`);
    expect(suspects).toEqual([{ path: "base/5/16400", blocks: [4, 6] }]);
  });

  it("are let go, too, when the copy fails, and with them those opened ahead", async () => {
    const { failure, uses } = await copyOpened({ one: large, two: large, three: large }, {}, 1);
    expect(failure).toMatchObject({ code: "storage-full" });
    await vi.waitFor(() => expect(Object.values(uses).every((count) => count === 0)).toBe(true), { timeout: 15_000 });
  });

  it("are read here where somebody looks at them or they must not become shorter", async () => {
    const onShort = ({ path }: TreeFile) => new AppError("wal-removed", { message: path });
    const { log, uses } = await copyOpened({ large }, { onShort });
    expect([log[0], uses]).toEqual([`large write ${rangeBytes}`, {}]);
  });
});

describe("pages of a running cluster", () => {
  const path = "base/5/16400";

  it("are read once when they are right, or newer than the start", async () => {
    const newer = torn(1);
    newer.writeUInt32LE(2000, 4);
    const content = Buffer.concat([page(0, 1), newer, Buffer.alloc(8192)]);
    const { suspects, reads } = await copy({ [path]: { content, sizeBytes: content.length } });
    expect(suspects).toEqual([]);
    expect(reads.length).toBe(1);
  });

  it("are stored as the second reading gives them, when that is right", async () => {
    const { suspects, written } = await copy({
      [path]: { content: (reading) => (reading === 1 ? torn(0) : page(0, 2)), sizeBytes: 8192 },
    });
    expect(suspects).toEqual([]);
    expect(written.get(path)?.equals(page(0, 2))).toBe(true);
  });

  it("are not suspect when they changed in between, or are gone: both is in the WAL", async () => {
    const changing = torn(0).fill(8, 6000);
    const changed = await copy({
      [path]: { content: (reading) => (reading === 1 ? torn(0) : changing), sizeBytes: 8192 },
    });
    expect(changed.suspects).toEqual([]);
    const gone = await copy({ [path]: { content: (reading) => (reading === 1 ? torn(0) : null), sizeBytes: 8192 } });
    expect(gone.suspects).toEqual([]);
  });

  it("are suspect when they come wrong twice, named by their number in the relation", async () => {
    const content = Buffer.concat([page(0, 1), torn(1)]);
    const { suspects } = await copy({ [path]: { content, sizeBytes: content.length } });
    expect(suspects).toEqual([{ path, blocks: [1] }]);
    const second = Buffer.concat([page(131_072, 1), torn(131_073)]);
    const later = await copy({ [`${path}.1`]: { content: second, sizeBytes: second.length } });
    expect(later.suspects).toEqual([{ path: `${path}.1`, blocks: [131_073] }]);
  });

  it("are looked for in relations only", async () => {
    const { suspects, reads } = await copy({ "log/16400": { content: torn(0), sizeBytes: 8192 } });
    expect([suspects, reads.length]).toEqual([[], 1]);
  });
});

describe("a rate limit", () => {
  it("lets no more pass than its rate, and nothing wait without one", async () => {
    const signal = new AbortController().signal;
    const startedMs = systemClock.monotonicMs();
    const limit = new RateLimit(1024, systemClock, signal);
    for (let piece = 0; piece < 4; piece++) await limit.spend(8 * 1024);
    // 32 KiB at 1,024 KiB/s.
    expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(28);
    await new RateLimit(null, systemClock, signal).spend(1e12);
  });

  it("lets go at once when the act is cancelled", async () => {
    const stop = new AbortController();
    const waiting = new RateLimit(32, systemClock, stop.signal).spend(1e9);
    stop.abort();
    await waiting;
  });
});
