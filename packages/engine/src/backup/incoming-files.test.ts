import { AppError, crc32c } from "@tidemark/kit";
import type { FileResult, NewFile, PatchedFile } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { IncomingFiles, type Increments } from "./incoming-files.ts";
import { ReceivedFiles } from "./received-files.ts";
import { SuspectList } from "./suspect-list.ts";
import { WalCoverage } from "./wal-coverage.ts";
import { YoungList } from "./young-pages.ts";

const layout = { blockSize: 8192, blocksPerSegment: 131_072, checksumsEnabled: true };
const modifiedAt = new Date(0);

/** A writer that keeps what it is given and answers with a CRC of its own. */
function incoming(increments: Increments | null, addPatched?: () => Promise<never>) {
  const written: { entry: NewFile | PatchedFile; bytes: Buffer }[] = [];
  const add = async (entry: NewFile | PatchedFile) => {
    const file = { entry, bytes: Buffer.alloc(0) };
    written.push(file);
    const write = async (chunk: Uint8Array) => {
      file.bytes = Buffer.concat([file.bytes, chunk]);
    };
    const end = async () =>
      entry.onResult?.({ crc32c: 77, findings: [131_072 + 5, { firstBlock: 2, count: 1 }] } as FileResult);
    return { write, end };
  };
  const received = new ReceivedFiles();
  const suspects = new SuspectList({ signal: new AbortController().signal, emit: () => undefined });
  const coverage = new WalCoverage({ major: 18, systemIdentifier: 7n, segmentSizeBytes: 16 << 20 });
  const writer = { addFile: add, addPatchedFile: addPatched ?? add };
  const young = new YoungList();
  const files = new IncomingFiles({ writer, layout, startLsn: 9n, received, coverage, suspects, young, increments });
  return { files, written, received, suspects, young };
}

const limits: Increments = {
  zerosFrom: (path) => (path === "base/5/16384.1" ? 8192n : null),
  assertNamed: () => undefined,
  comparison: null,
};
const increment = (blocks: readonly number[], truncationBlocks: number) =>
  ({
    kind: "increment-begin",
    path: Buffer.from("base/5/16384.1"),
    sentPath: Buffer.from("base/5/INCREMENTAL.16384.1"),
    sentBytes: 8192 + blocks.length * 8192,
    mode: 0o600,
    modifiedAt,
    header: { blocks: Uint32Array.from(blocks), truncationBlocks },
  }) as const;

describe("IncomingFiles", () => {
  it("lays an increment over the relation's file, and notes what was sent for the server's manifest", async () => {
    const { files, written, received, suspects, young } = incoming(limits);
    await files.beginIncrement(increment([2, 5], 9));
    await files.write(Buffer.alloc(16_384, 1));
    await files.endIncrement(4711);
    expect(written[0]?.entry).toMatchObject({
      path: Buffer.from("base/5/16384.1"),
      sizeBytes: 9n * 8192n,
      blockSize: 8192,
      changedBlocks: Uint32Array.from([2, 5]),
      zerosFrom: 8192n,
      // Checksums are mixed with the number within the relation, not within the file.
      inspect: { firstBlock: 131_072, startLsn: 9n, blockSize: 8192 },
    });
    expect(written[0]?.bytes).toHaveLength(16_384);
    const noted = received.at(0);
    expect(Buffer.from(noted.path).toString()).toBe("base/5/INCREMENTAL.16384.1");
    expect(noted).toMatchObject({ sizeBytes: 8192 + 16_384, crc32c: 4711 });
    expect(suspects.pages).toEqual([{ path: "base/5/16384.1", blocks: [131_077] }]);
    expect(young.pages.files).toEqual([{ path: "base/5/16384.1", runs: [2, 1] }]);
  });

  it("makes the file as long as its blocks need, were the length too short", async () => {
    const { files, written } = incoming(limits);
    await files.beginIncrement(increment([2, 11], 9));
    expect(written[0]?.entry.sizeBytes).toBe(12n * 8192n);
  });

  it("lays none over what must have changed and did not come", async () => {
    const asked: unknown[] = [];
    const assertNamed: Increments["assertNamed"] = (path, blocks, wholeBlocks) => {
      asked.push(path, [...blocks], wholeBlocks);
      throw new AppError("incremental-refused", { message: "put back" });
    };
    const { files, written } = incoming({ ...limits, assertNamed });
    await expect(files.beginIncrement(increment([2], 9))).rejects.toThrow("put back");
    expect({ asked, written }).toEqual({ asked: ["base/5/16384.1", [2], 9], written: [] });
  });

  it("takes no relation's file twice: one of the two may be a leftover of that name", async () => {
    const whole = {
      kind: "file-begin",
      path: Buffer.from("base/5/16384.1"),
      sizeBytes: 0,
      mode: 0o600,
      modifiedAt,
    } as const;
    for (const takes of [
      ["increment", "whole"],
      ["whole", "increment"],
      ["increment", "increment"],
    ]) {
      const { files } = incoming(limits);
      const take = async (which: string | undefined) => {
        if (which === "whole") await files.begin(whole);
        else await files.beginIncrement(increment([], 9));
        await files.end();
      };
      await take(takes[0]);
      await expect(take(takes[1])).rejects.toMatchObject({ code: "incremental-refused" });
    }
  });

  it("has everything copied where an increment fits nothing the parent has", async () => {
    const error = new AppError("bad-request", { message: "the parent does not have it" });
    const { files } = incoming(limits, async () => Promise.reject(error));
    await expect(files.beginIncrement(increment([], 9))).rejects.toMatchObject({ code: "incremental-refused" });
  });

  const label = "START TIMELINE: 1\nINCREMENTAL FROM LSN: 0/2000028\nINCREMENTAL FROM TLI: 1\n";
  const begin = (path: string, sizeBytes: number) =>
    ({ kind: "file-begin", path: Buffer.from(path), sizeBytes, mode: 0o600, modifiedAt }) as const;

  it("stores the label of a full backup, keeps the one that was sent, and answers for it to the manifest", async () => {
    const { files, written, received } = incoming(limits);
    await files.begin(begin("backup_label", label.length));
    for (const letter of label) await files.write(Buffer.from(letter));
    expect(await files.end()).toBe("backup_label");
    expect(written[0]?.bytes.toString()).toBe("START TIMELINE: 1\n");
    expect(written[0]?.entry.sizeBytes).toBe(18n);
    expect(Buffer.from(files.kept("backup_label") ?? []).toString()).toBe(label);
    expect(received.at(0)).toMatchObject({ sizeBytes: label.length, crc32c: crc32c(Buffer.from(label)) });
  });

  it("lets files that come in full be compared while they pass", async () => {
    const passed: string[] = [];
    const begin_ = async (path: Uint8Array) => {
      passed.push(`begin ${Buffer.from(path)}`);
      const write = async (chunk: Uint8Array) => void passed.push(`${chunk.length} bytes`);
      return { write, end: async () => void passed.push("end") };
    };
    const { files, received } = incoming({ ...limits, comparison: { begin: begin_ } });
    await files.begin(begin("base/5/16384", 8192));
    await files.write(Buffer.alloc(8192));
    await files.end();
    expect(passed).toEqual(["begin base/5/16384", "8192 bytes", "end"]);
    expect(received.at(0).crc32c).toBe(77);
  });

  it("takes no bytes outside a file", () => {
    expect(() => incoming(null).files.write(Buffer.alloc(1))).toThrow("outside a file");
  });
});
