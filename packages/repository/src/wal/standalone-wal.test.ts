import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FilesystemStore } from "@tidemark/storage";
import { afterAll, describe, expect, it } from "vitest";
import { createRepository } from "../open-repository.ts";
import { testKey } from "../test-repository.ts";
import { collect, inChunks, openWal, testPlace, testSegmentBytes, testSystem, testWal } from "./test-wal.ts";

/** A reader made from the format's document alone, compared with ours. */
const script = fileURLToPath(new URL("../../../../scripts/restore-standalone.mjs", import.meta.url));
const standalone = (await import(script)) as {
  main(args: readonly string[], say: (line: string) => void, complain: (line: string) => void): number;
};
const scratch = mkdtempSync(join(tmpdir(), "tidemark-standalone-wal-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(...args: string[]): { readonly code: number; readonly text: string } {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  return { code: standalone.main(args, say, say), text: lines.join("\n") };
}

describe.each([
  ["plain", "none"],
  ["encrypted", testKey],
] as const)("the WAL of a %s repository, read from the document alone", (name, encryption) => {
  const folder = join(scratch, name);
  const keyFile = join(scratch, `${name}.key`);
  writeFileSync(keyFile, testKey.text.reveal());
  const key = encryption === "none" ? [] : ["--key-file", keyFile];

  it("is what our reader gives", async () => {
    const store = new FilesystemStore(folder);
    await createRepository(store, { encryption });
    const settings = [{ algorithm: "none" }, { algorithm: "zstd", level: 3 }, { algorithm: "lz4" }] as const;
    for (const [index, compression] of settings.entries()) {
      const archive = await openWal(store, { compression });
      await archive.putSegment(
        testPlace(index),
        inChunks(testWal(index, index === 1 ? 70_000 : undefined), 99_999),
        null,
      );
    }
    const archive = await openWal(store);
    const history = Buffer.from("1\t0/300000\tno recovery target specified\n");
    await archive.putHistory(2, history);
    await archive.putFile("000000010000000000000002.00000028.backup", history);
    const writer = await archive.beginSegment(testPlace(3), { writer: "w" });
    for (const [from, to] of [
      [0, 700],
      [700, 90_000],
      [90_000, 90_900],
    ] as const) {
      await writer.write(testWal(3).subarray(from, to));
      await writer.flush();
    }
    await writer.abandon();
    const ended = await archive.beginSegment(testPlace(1, 2), { writer: "w" });
    await ended.write(testWal(4).subarray(0, 5000));
    await ended.finishPartial();
    await archive.putFile("000000030000000000000001.partial", testWal(5, 300));

    const to = join(scratch, `${name}-wal`);
    expect(run("wal", "--repository", folder, ...key, "--to", to, "--partial")).toMatchObject({ code: 0 });
    const found = new Map(readdirSync(to).map((file) => [file, new Uint8Array(readFileSync(join(to, file)))]));
    const expected = new Map<string, Uint8Array>();
    for await (const entry of archive.list()) {
      const partial = entry.kind === "partial" && !(await archive.has(entry.name));
      const bytes = new Uint8Array(entry.kind === "partial" ? testSegmentBytes : 0);
      if (partial) {
        const timeline = await archive.partial(entry.timeline);
        bytes.set(await collect(timeline?.read() ?? inChunks(bytes, 1)));
      }
      expected.set(entry.name, partial ? bytes : await collect(archive.read(entry.name)));
    }
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    expect(found.size).toBe(8);
    for (const [file, bytes] of expected)
      expect([file, Buffer.compare(bytes, found.get(file) ?? new Uint8Array())]).toEqual([file, 0]);
  });

  it("is refused where it is damaged, and chosen by timeline and name", () => {
    const to = join(scratch, `${name}-some`);
    const some = ["--timeline", "1", "--from", "000000010000000000000001", "--system", String(testSystem)];
    expect(run("wal", "--repository", folder, ...key, "--to", to, ...some).code).toBe(0);
    expect(readdirSync(to).sort()).toEqual([
      "000000010000000000000001",
      "000000010000000000000002",
      "000000010000000000000002.00000028.backup",
    ]);
    expect(run("wal", "--repository", folder, ...key, "--to", `${to}-2`, "--system", "1").code).toBe(2);
    const place = join(folder, "srv_1", String(testSystem), "wal", "00000001", "000000010000000000000001");
    const bytes = readFileSync(place);
    bytes[bytes.length >>> 1] = (bytes[bytes.length >>> 1] ?? 0) ^ 1;
    writeFileSync(place, bytes);
    const refused = run("wal", "--repository", folder, ...key, "--to", `${to}-3`);
    expect(refused).toMatchObject({ code: 1, text: expect.stringContaining("000000010000000000000001") });
  });
});
