import { createDecipheriv, hkdfSync } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { FilesystemStore, ReadOnlyStore } from "@tidemark/storage";
import { afterAll, describe, expect, it } from "vitest";
import { newRepositoryKey } from "./keys/repository-key.ts";
import type { NewKeyOwner } from "./keys/repository-keys.ts";
import { openRepository } from "./open-repository.ts";
import { keysOf, testKey, testOpeners } from "./test-repository.ts";
import type { RepositoryKey } from "./types.ts";
import { collect, inChunks, testPlace, testSystem, testWal } from "./wal/test-wal.ts";
import type { WalArchive } from "./wal/wal-archive.ts";

/** Encrypted WAL as it was sealed before hosts had keys for it alone, and since: then there is a slot of `hostKey`, too. */
const golden = fileURLToPath(new URL("../golden-wal/", import.meta.url));
const hostKey = newRepositoryKey((length) => new Uint8Array(length).fill(9)) as NewKeyOwner & RepositoryKey;
const scratch = mkdtempSync(join(tmpdir(), "tidemark-golden-wal-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const [segment, history] = ["000000010000000000000000", "00000002.history"];
const historyText = "1\t0/300000\tno recovery target specified\n";

async function openGolden(version: string, key: RepositoryKey): Promise<WalArchive> {
  const store = new ReadOnlyStore(new FilesystemStore(join(golden, version)));
  const repository = await openRepository(store, { key, openers: testOpeners, walAlone: true });
  return repository.area("srv_1").wal(testSystem);
}

describe.each([
  ["version-2", testKey, "a key that opens everything"],
  ["version-3", testKey, "a key that opens everything"],
  ["version-3", hostKey, "a host's key"],
] as const)("the golden WAL of %s", (version, key, what) => {
  it(`is read with ${what}`, async () => {
    const archive = await openGolden(version, key);
    expect(Buffer.compare(await collect(archive.read(segment)), testWal(7, 5000))).toBe(0);
    expect(Buffer.from(await collect(archive.read(history))).toString()).toBe(historyText);
    const partial = await archive.partial(1);
    const begun = await collect(partial?.read() ?? inChunks(testWal(1), 1));
    expect(Buffer.compare(begun, testWal(8).subarray(0, 3000))).toBe(0);
  });
});

/** Reads docs/repository-format.md §3, §4 and §5 alone, with nothing of this package. */
it("opens with a host's slot to a reader written from the format document", () => {
  const root = join(golden, "version-3");
  const { id } = JSON.parse(readFileSync(join(root, "tidemark.json"), "utf8"));
  const slots = readdirSync(join(root, "keys")).map((name) =>
    JSON.parse(readFileSync(join(root, "keys", name), "utf8")),
  );
  const slot = slots.find(({ walOf }) => walOf === "srv_1");
  const secret = Buffer.alloc(32, 9);
  const salt = Buffer.from(slot.derivation.salt, "base64");
  const wrapping = Buffer.from(hkdfSync("sha256", secret, salt, "tidemark wrapping key", 32));
  const place = `tidemark/1 ${id} keys/${slot.slot} ${slot.keyId} wal srv_1`;
  const plain = openBox(Buffer.from(slot.sealed, "base64"), wrapping, Buffer.from(slot.nonce, "base64"), place);
  const { walKey, about, ...others } = JSON.parse(plain.toString());
  expect([slot.formatVersion, about.walOf, Object.keys(others)]).toEqual([3, "srv_1", ["keyId", "walHashKeys"]]);

  const key = `srv_1/${testSystem}/wal/00000002/${history}`;
  const object = readFileSync(join(root, key));
  expect([object.subarray(0, 8).toString(), object.readUInt16LE(8)]).toEqual(["TIDEWALF", 3]);
  const objectSalt = object.subarray(48, 64);
  const info = `tidemark object key\0${id}\0${key}`;
  const objectKey = Buffer.from(hkdfSync("sha256", Buffer.from(walKey, "base64"), objectSalt, info, 32));
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(6);
  const part = `tidemark/1 ${id} ${key} ${objectSalt.toString("hex")} fact 0`;
  expect(openBox(object.subarray(64), objectKey, nonce, part).toString()).toBe(historyText);

  // The same key is made of the data key, which another slot holds.
  const whole = slots.find(({ walOf }) => walOf === undefined);
  const wholeSalt = Buffer.from(whole.derivation.salt, "base64");
  const wholeWrapping = Buffer.from(hkdfSync("sha256", Buffer.alloc(32, 1), wholeSalt, "tidemark wrapping key", 32));
  const wholePlace = `tidemark/1 ${id} keys/${whole.slot} ${whole.keyId}`;
  const secrets = JSON.parse(
    openBox(
      Buffer.from(whole.sealed, "base64"),
      wholeWrapping,
      Buffer.from(whole.nonce, "base64"),
      wholePlace,
    ).toString(),
  );
  const dataKey = Buffer.from(secrets.dataKey, "base64");
  const made = Buffer.from(hkdfSync("sha256", dataKey, "", `tidemark wal key\0${id}\0srv_1`, 32));
  expect(made.toString("base64")).toBe(walKey);
  const seed = Buffer.from(secrets.fingerprintSeed, "base64");
  const hashKeys = Buffer.from(hkdfSync("sha256", seed, "", `tidemark wal hash\0${id}`, 96)).subarray(0, 64);
  expect(hashKeys.toString("base64")).toBe(others.walHashKeys);
});

/** A box that was stored with codec 0. */
function openBox(stored: Buffer, key: Buffer, nonce: Buffer, place: string): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce);
  decipher.setAAD(Buffer.from(place, "latin1"));
  decipher.setAuthTag(stored.subarray(-16));
  const body = Buffer.concat([decipher.update(stored.subarray(0, -16)), decipher.final()]);
  return body[0] === 0 ? body.subarray(5) : zstdDecompressSync(body.subarray(5));
}

describe("WAL of version 2, sealed with the data key", () => {
  it("is neither missing nor damaged for a host's key, and new WAL goes beside it", async () => {
    const folder = join(scratch, "host");
    cpSync(join(golden, "version-2"), folder, { recursive: true });
    const store = new FilesystemStore(folder);
    await (await openRepository(store, { key: testKey, openers: testOpeners })).keys?.add(hostKey, null, "srv_1");
    const host = await openRepository(store, { key: hostKey, openers: testOpeners, walAlone: true });
    const archive = host.area("srv_1").wal(testSystem);
    for (const act of [
      () => collect(archive.read(segment)),
      () => collect(archive.read(history)),
      () => archive.partial(1),
      () => archive.describe(segment),
      () => archive.putSegment(testPlace(0), inChunks(testWal(7, 5000), 99_999), null),
    ])
      await expect(act()).rejects.toMatchObject({
        code: "wal-key-missing",
        hint: expect.stringMatching(/keyFile.*--wal copy/),
      });
    expect(await archive.has(segment)).toBe(true);
    expect(await archive.putSegment(testPlace(1), inChunks(testWal(1), 99_999), null)).toBe("stored");
    // The other's piece stays, as evidence that nobody could compare.
    expect((await keysOf(store)).filter((key) => key.includes("/partial/"))).toHaveLength(1);
  });
});

it("is read by the standalone reader, which says of a host's key what it is", async () => {
  const script = fileURLToPath(new URL("../../../scripts/restore-standalone.mjs", import.meta.url));
  const { main } = (await import(script)) as {
    main(args: readonly string[], ...say: ((line: string) => void)[]): number;
  };
  const said: string[] = [];
  const run = (version: string, keyText: string, to: string): number => {
    writeFileSync(join(scratch, "key"), keyText);
    const args = ["--repository", join(golden, version), "--key-file", join(scratch, "key"), "--to", join(scratch, to)];
    return main(["wal", ...args], ...[0, 1].map(() => (line: string) => void said.push(line)));
  };
  for (const version of ["version-2", "version-3"]) {
    expect(run(version, testKey.text.reveal(), version)).toBe(0);
    expect(readFileSync(join(scratch, version, history), "utf8")).toBe(historyText);
    expect(Buffer.compare(readFileSync(join(scratch, version, segment)), testWal(7, 5000))).toBe(0);
  }
  expect(run("version-3", hostKey.text.reveal(), "none")).toBe(1);
  expect(said.at(-1)).toContain("opens only the WAL of srv_1");
});
