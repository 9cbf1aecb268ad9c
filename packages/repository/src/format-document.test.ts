import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { crc32c } from "@tidemark/kit";
import { describe, expect, it } from "vitest";

/**
 * A second reader, written from docs/repository-format.md alone and using nothing of this package: where it fails, the
 * document or the code has changed. Section numbers are the document's.
 */
const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));

interface DataKey {
  readonly id: string;
  readonly key: Buffer;
}

class SecondReader {
  readonly #root: string;
  readonly #repositoryId: string;
  readonly #dataKey: DataKey | null;
  readonly #guardKey: Buffer;
  /** What was come across, so that a test can tell that it was there at all. */
  framesWithPieces = 0;
  cutRuns = 0;
  readonly codecs = new Set<number>();

  constructor(root: string, keyFile: string) {
    this.#root = root;
    // §2
    const document = JSON.parse(this.#object("tidemark.json").toString());
    this.#repositoryId = document.id;
    // §4
    this.#guardKey = Buffer.from(hkdfSync("sha256", document.id, "", "tidemark guard", 32));
    this.#dataKey =
      document.encryption === "none" ? null : this.#openSlot("keys/key_00000000000000000000000002", keyFile);
  }

  #object(key: string): Buffer {
    return readFileSync(`${this.#root}/${key}`);
  }

  /** §3 */
  #openSlot(key: string, keyFile: string): DataKey {
    const slot = JSON.parse(this.#object(key).toString());
    const secret = Buffer.from(keyFile.trim().slice("tidemark-key-1:".length), "base64url").subarray(0, 32);
    const salt = Buffer.from(slot.derivation.salt, "base64");
    const wrapping = Buffer.from(hkdfSync("sha256", secret, salt, "tidemark wrapping key", 32));
    const additional = Buffer.from(`tidemark/1 ${this.#repositoryId} ${key} ${slot.keyId}`);
    const nonce = Buffer.from(slot.nonce, "base64");
    const secrets = JSON.parse(
      box(Buffer.from(slot.sealed, "base64"), { key: wrapping }, nonce, additional).toString(),
    );
    return { id: slot.keyId, key: Buffer.from(secrets.dataKey, "base64") };
  }

  /** §5 */
  #part({ object, salt, version }: Sealed, kind: string, code: number, number: number, stored: Buffer): Buffer {
    const info = `tidemark object key\0${this.#repositoryId}\0${object}`;
    const key = this.#dataKey === null ? null : Buffer.from(hkdfSync("sha256", this.#dataKey.key, salt, info, 32));
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(code, 0);
    nonce.writeBigUInt64BE(BigInt(number), 4);
    const additional = `tidemark/1 ${this.#repositoryId} ${object} ${salt.toString("hex")} ${kind} ${number}`;
    // A hash before version 3, and what is encrypted is older.
    expect(version).toBeLessThanOrEqual(key === null ? 3 : 2);
    const keys = { key, guardKey: version >= 3 ? this.#guardKey : null };
    return box(stored, keys, nonce, Buffer.from(additional), (codec) => this.codecs.add(codec));
  }

  #trailer(bytes: Buffer): { offset: number; length: number; count: number; salt: Buffer; version: number } {
    const at = bytes.length - 80;
    expect(bytes.readUInt16LE(8)).toBe(bytes.readUInt16LE(at + 64));
    expect(bytes.readUInt32LE(at + 68)).toBe(crc32c(bytes.subarray(at, at + 68)));
    const keyId = bytes
      .subarray(at + 16, at + 48)
      .toString("latin1")
      .replace(/\0+$/, "");
    expect(keyId).toBe(this.#dataKey?.id ?? "");
    return {
      offset: Number(bytes.readBigUInt64LE(at)),
      length: bytes.readUInt32LE(at + 8),
      count: bytes.readUInt32LE(at + 12),
      salt: bytes.subarray(at + 48, at + 64),
      version: bytes.readUInt16LE(at + 64),
    };
  }

  /** §6 */
  frame(pack: string, index: number): Buffer {
    const object = `srv_golden/packs/${pack}`;
    const bytes = this.#object(object);
    const { offset, length, count, salt, version } = this.#trailer(bytes);
    const sealed = { object, salt, version };
    const directory = this.#part(sealed, "directory", 2, 0, bytes.subarray(offset, offset + length));
    expect(directory.readUInt32LE(32)).toBe(count);
    const at = 36 + index * 56;
    const from = Number(directory.readBigUInt64LE(at));
    const stored = bytes.subarray(from, from + directory.readUInt32LE(at + 8));
    const plain = this.#part(sealed, "frame", 1, directory.readUInt32LE(at + 16), stored);
    expect(plain.length).toBe(directory.readUInt32LE(at + 12));
    expect(crc32c(plain)).toBe(directory.readUInt32LE(at + 20));
    expect(stored.subarray(-16)).toEqual(directory.subarray(at + 40, at + 56));
    const pieces = new Cursor(directory.subarray(36 + count * 56));
    if (version >= 2) {
      const known = Array.from({ length: count }, () => pieces.list(() => pieces.u32()))[index] ?? [];
      if (known.length > 0) this.framesWithPieces++;
      const expected = Array.from({ length: Math.ceil(plain.length / 8192) }, (_, piece) =>
        crc32c(plain.subarray(piece * 8192, (piece + 1) * 8192)),
      );
      expect(known).toEqual(known.length === 0 ? [] : expected);
    }
    expect(pieces.done).toBe(true);
    return plain;
  }

  /** §7 */
  files(backup: string): { name: string; sizeBytes: number; sha256: string }[] {
    const object = `srv_golden/backups/${backup}`;
    const bytes = this.#object(object);
    expect(bytes.subarray(0, 8).toString()).toBe("TIDEMANI");
    const { offset, length, salt, version } = this.#trailer(bytes);
    const sealed = { object, salt, version };
    const header = this.#part(sealed, "header", 3, 0, bytes.subarray(64, 64 + bytes.readUInt32LE(12)));
    const { backupId, counts, plainBytes } = JSON.parse(header.toString());
    expect(backupId).toBe(backup);
    if (version >= 2) {
      const { newBytes, referencedBytes, carriedBytes, zeroBytes } = counts;
      const sum = [newBytes, referencedBytes, carriedBytes, zeroBytes].reduce((all, bytes) => all + BigInt(bytes), 0n);
      expect(String(sum)).toBe(plainBytes);
    }
    const index = new Cursor(this.#part(sealed, "index", 5, 0, bytes.subarray(offset, offset + length)));
    const packs = index.list(() => ({
      id: index.sized().toString(),
      inUse: version >= 2 ? index.sized() : null,
      used: new Set<number>(),
    }));
    let at = 64 + bytes.readUInt32LE(12);
    let number = 0;
    const chunks = index.list(() => {
      const stored = bytes.subarray(at, at + index.varint());
      at += stored.length;
      index.varint();
      return this.#part(sealed, "chunk", 4, number++, stored);
    });
    expect(at).toBe(offset);
    const found = this.#entries(new Cursor(Buffer.concat(chunks)), packs, version);
    for (const { inUse, used } of packs)
      if (inUse !== null) expect(bitsOf(inUse)).toEqual([...used].sort((a, b) => a - b));
    return found;
  }

  #entries(
    records: Cursor,
    packs: readonly UsedPack[],
    version: number,
  ): { name: string; sizeBytes: number; sha256: string }[] {
    const found: { name: string; sizeBytes: number; sha256: string }[] = [];
    const add = (name: string, bytes: Buffer): unknown =>
      found.push({ name, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
    let file = { name: "", size: 0, runs: [] as Buffer[], stored: [] as number[] };
    while (!records.done) {
      const type = records.byte();
      const body = new Cursor(records.sized());
      if (type === 1) {
        expect(body.varint()).toBe(0o700);
        add(`${body.sized()}/`, Buffer.alloc(0));
      } else if (type === 2) add(`${body.sized()}@${body.sized()}`, Buffer.alloc(0));
      else if (type === 3) {
        const name = body.sized().toString();
        expect(body.varint()).toBe(0o600);
        file = { name, size: body.varint(), runs: [], stored: [] };
        expect(body.varint()).toBe(2 * 1_700_000_000_000);
      } else if (type === 4) {
        file.runs.push(...body.list(() => this.#run(body, packs, file.stored)));
      } else if (type === 5) {
        const bytes = Buffer.concat(file.runs);
        expect(bytes.length).toBe(file.size);
        expect(crc32c(bytes)).toBe(body.u32());
        const [runs, small] = version >= 2 ? [body.varint(), body.varint()] : [file.stored.length, 0];
        expect(runs).toBe(file.stored.length);
        if (version >= 2) {
          expect(small).toBe(file.stored.filter((length) => file.size > 65_536 && length < 32_768).length);
        }
        expect(body.done).toBe(true);
        add(file.name, bytes);
      } else throw new Error(`record type ${type}`);
    }
    return found;
  }

  #run(body: Cursor, packs: readonly UsedPack[], stored: number[]): Buffer {
    const kind = body.byte();
    expect(kind).toBeLessThanOrEqual(2);
    if (kind === 0) return Buffer.alloc(body.varint());
    const pack = packs[body.varint()];
    const frameIndex = body.varint();
    pack?.used.add(frameIndex);
    const frame = this.frame(pack?.id ?? "", frameIndex);
    const from = body.varint();
    const run = frame.subarray(from, from + body.varint());
    expect(crc32c(run)).toBe(body.u32());
    stored.push(run.length);
    if (kind === 1) body.take(16);
    else this.cutRuns++;
    return run;
  }
}

interface Sealed {
  readonly object: string;
  readonly salt: Buffer;
  readonly version: number;
}

interface UsedPack {
  readonly id: string;
  readonly inUse: Buffer | null;
  readonly used: Set<number>;
}

function bitsOf(bitmap: Buffer): number[] {
  return Array.from({ length: bitmap.length * 8 }, (_, bit) => bit).filter(
    (bit) => ((bitmap[bit >> 3] ?? 0) >> (bit & 7)) % 2 === 1,
  );
}

/** §4 */
function box(
  stored: Buffer,
  { key, guardKey = null }: { readonly key: Buffer | null; readonly guardKey?: Buffer | null },
  nonce: Buffer,
  additional: Buffer,
  onCodec: (codec: number) => unknown = () => undefined,
): Buffer {
  let body: Buffer;
  if (key === null && guardKey !== null) {
    body = stored.subarray(0, -16);
    const cipher = createCipheriv("aes-256-gcm", guardKey, nonce);
    cipher.setAAD(Buffer.concat([additional, body]));
    cipher.final();
    expect(cipher.getAuthTag()).toEqual(stored.subarray(-16));
  } else if (key === null) {
    body = stored.subarray(0, -32);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(additional.length);
    const hash = createHash("blake2b512").update(length).update(additional).update(body).digest();
    expect(hash.subarray(0, 32)).toEqual(stored.subarray(-32));
  } else {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce);
    decipher.setAAD(additional);
    decipher.setAuthTag(stored.subarray(-16));
    body = Buffer.concat([decipher.update(stored.subarray(0, -16)), decipher.final()]);
  }
  const [codec = 0] = body;
  onCodec(codec);
  const plain = unpack(codec, body.subarray(5), body.readUInt32LE(1));
  expect(plain.length).toBe(body.readUInt32LE(1));
  return plain;
}

function unpack(codec: number, payload: Buffer, plainBytes: number): Buffer {
  if (codec === 0) return payload;
  if (codec === 1) return zstdDecompressSync(payload);
  if (codec === 2) return unpackLz4(payload, plainBytes);
  expect(codec).toBe(3);
  return gunzipSync(payload);
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function unpackLz4(block: Buffer, plainBytes: number): Buffer {
  const plain = Buffer.alloc(plainBytes);
  const cursor = new Cursor(block);
  let to = 0;
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = cursor.byte();
    return length;
  };
  for (;;) {
    const token = cursor.byte();
    const literals = cursor.take(lengthOf(token >> 4));
    to += literals.copy(plain, to);
    if (cursor.done) return plain.subarray(0, to);
    const distance = cursor.take(2).readUInt16LE();
    for (let left = lengthOf(token & 15) + 4; left > 0; left--) plain[to] = plain[to++ - distance] ?? 0;
  }
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  sized(): Buffer {
    return this.take(this.varint());
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.varint() }, read);
  }
}

const cases = readdirSync(fixtures).flatMap((version) =>
  ["encrypted", "plain"]
    .filter((variant) => existsSync(`${fixtures}${version}/${variant}`))
    .map((variant) => ({ version, variant })),
);

describe.each(cases)("a reader written from the format document ($version, $variant)", ({ version, variant }) => {
  it("reads every file of the golden repository, and comes across everything that is new in its version", () => {
    const golden = `${fixtures}${version}/`;
    const reader = new SecondReader(`${golden}${variant}`, readFileSync(`${golden}key.txt`, "utf8"));
    const expected = JSON.parse(readFileSync(`${golden}expected.json`, "utf8")) as Record<string, unknown>;
    for (const [backup, files] of Object.entries(expected)) expect(reader.files(backup)).toEqual(files);
    expect([...reader.codecs].sort()).toEqual(version === "golden-1" ? [1] : [0, 1, 2, 3]);
    expect([reader.framesWithPieces > 0, reader.cutRuns > 5]).toEqual(Array(2).fill(version !== "golden-1"));
  });
});
