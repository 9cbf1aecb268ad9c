#!/usr/bin/env node
/**
 * Restores a backup from a Tidemark repository without Tidemark: one file, Node.js 24.7 or later, nothing else.
 * It is written from docs/repository-format.md alone and shares no code with the product, so it also proves that the
 * document suffices; the § numbers below are its sections. It only ever reads the repository.
 *
 * What it checks: every guard (AES-GCM tag, GMAC or hash), every length, the CRC-32C of every frame, piece, run and file, the
 * number of files and bytes, the hash of every segment of WAL. What it does not: fingerprints, which only writers use.
 * What it does not know it refuses.
 */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as zlib from "node:zlib";

const help = `Restores a PostgreSQL backup from a Tidemark repository, without Tidemark.

  node restore-standalone.mjs list    --repository DIR [key] [--json]
  node restore-standalone.mjs restore --repository DIR [key] --to DIR [--server NAME] [--backup ID]
                                      [--tablespace OID=DIR]... [--keep-signal-files]
  node restore-standalone.mjs wal     --repository DIR [key] --to DIR [--server NAME] [--system ID]
                                      [--timeline N] [--from SEGMENT] [--partial]

  --repository DIR       the repository's folder, or file:///its/folder
  --server NAME          name or id of the server; not needed where the repository has one only
  --backup ID            the backup; the newest that can be read when left out
  --to DIR               an empty or absent folder: the restored data directory
  --tablespace OID=DIR   an empty or absent folder for a tablespace; one without is put into pg_tblspc/OID itself
  --keep-signal-files    restores standby.signal and recovery.signal, too
  --json                 the list as JSON

wal puts segments, histories and files into an empty or absent folder, under PostgreSQL's names for them, so that
restore_command = 'cp DIR/%f %p' finds them there:
  --system ID            the system identifier; not needed where the server has WAL of one only
  --timeline N           only of this timeline (decimal)
  --from SEGMENT         only segments from this name on
  --partial              also what there is of segments that are not whole, as SEGMENT.partial, filled up with zeros

Key of an encrypted repository, one of:
  --key-file FILE        the key file, one line that begins with tidemark-key-1:, or a recovery kit with that line
  --passphrase-file FILE a file that holds the passphrase (its last line end is no part of it); - reads standard input
  --slot-file FILE       what "age --decrypt" gives for the sealed bytes of an age slot; once for each data key

Exit code: 0 all is right; 1 something is damaged, missing, unknown or could not be written; 2 the command is wrong.
`;

/** A failure that is told as a sentence. */
class Problem extends Error {}
class UsageProblem extends Problem {}

// ---------------------------------------------------------------------------------------------------------------------
// CRC-32C (Castagnoli, reflected: 0x82f63b78), eight bytes at a step, and its algebra: the CRC of joined runs and of zeros.

const crcTables = makeCrcTables();

function makeCrcTables() {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[0][byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let table = 1; table < 8; table++) {
      const before = tables[table - 1][byte];
      tables[table][byte] = (before >>> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

export function crc32c(bytes) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = crcTables;
  let crc = -1;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc =
      t7[crc & 0xff] ^
      t6[(crc >>> 8) & 0xff] ^
      t5[(crc >>> 16) & 0xff] ^
      t4[crc >>> 24] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 0xff];
  return ~crc >>> 0;
}

/** Product of two polynomials modulo the CRC's, bits reflected; `a` is not 0. */
function multiply(a, b) {
  let product = 0;
  for (let mask = 0x80000000, factor = b; ; mask >>>= 1) {
    if (a & mask) {
      product ^= factor;
      if ((a & (mask - 1)) === 0) return product >>> 0;
    }
    factor = factor & 1 ? (factor >>> 1) ^ 0x82f63b78 : factor >>> 1;
  }
}

/** x^(2^n) for n = 0 to 63. */
const squares = [0x40000000];
for (let n = 1; n < 64; n++) squares.push(multiply(squares[n - 1], squares[n - 1]));

const shifts = new Map();

/** x^(8 · length): what a CRC is multiplied by when that many bytes follow. */
function shiftBy(length) {
  const known = shifts.get(length);
  if (known !== undefined) return known;
  let power = 0x80000000;
  for (let rest = length, n = 3; rest > 0; rest = Math.floor(rest / 2), n++) {
    if (rest % 2 === 1) power = multiply(squares[n], power);
  }
  if (shifts.size > 4096) shifts.clear();
  shifts.set(length, power);
  return power;
}

/** CRC of a run with CRC `first` and one behind it of `length` bytes with CRC `second`. */
const joinCrc = (first, second, length) => (multiply(shiftBy(length), first) ^ second) >>> 0;
/** CRC of a run with CRC `first` and `length` zero bytes behind it. */
const joinZeros = (first, length) => ~multiply(shiftBy(length), ~first >>> 0) >>> 0;

// ---------------------------------------------------------------------------------------------------------------------
// Numbers and texts in bytes.

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }
  get done() {
    return this.at === this.bytes.length;
  }
  take(length) {
    if (this.at + length > this.bytes.length) throw new Problem("it ends within a field");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  u8() {
    return this.take(1)[0];
  }
  u16() {
    return this.take(2).readUInt16LE();
  }
  u32() {
    return this.take(4).readUInt32LE();
  }
  u64() {
    const value = Number(this.take(8).readBigUInt64LE());
    if (!Number.isSafeInteger(value)) throw new Problem("it has a number beyond 2^53");
    return value;
  }
  varint() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (!Number.isSafeInteger(value)) throw new Problem("it has a number beyond 2^53");
      if (byte < 128) return value;
    }
  }
  signed() {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  sized() {
    return this.take(this.varint());
  }
  text(width) {
    const text = this.take(width).toString("latin1").replace(/\0+$/, "");
    if (text.includes("\0")) throw new Problem("a text in it goes on behind its end");
    return text;
  }
  end() {
    if (!this.done) throw new Problem("it goes on behind its end");
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// §4 Boxes.

const codecs = { plain: 0, zstd: 1, lz4: 2, gzip: 3 };

/** The plain bytes of a box. `version` is that of the object it is in. */
function openBox(stored, { key, nonce, place, guardKey = null }, version) {
  const body =
    key !== null
      ? decrypt(stored, key, nonce, place)
      : guardKey !== null
        ? checkTag(stored, guardKey, nonce, place)
        : checkHash(stored, place);
  const reader = new Reader(body);
  const codec = reader.u8();
  const plainBytes = reader.u32();
  const plain = decompress(codec, body.subarray(5), plainBytes, version);
  if (plain.length !== plainBytes) throw new Problem("its plain length is not the one it says");
  return plain;
}

function decrypt(stored, key, nonce, place) {
  if (stored.length < 16 + 5) throw new Problem("it is too short");
  const end = stored.length - 16;
  const decipher = crypto.createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  decipher.setAAD(place);
  decipher.setAuthTag(stored.subarray(end));
  const body = decipher.update(stored.subarray(0, end));
  try {
    decipher.final();
  } catch {
    throw new Problem("its authentication tag does not match");
  }
  return body;
}

function checkTag(stored, guardKey, nonce, place) {
  if (stored.length < 16 + 5) throw new Problem("it is too short");
  const body = stored.subarray(0, stored.length - 16);
  const cipher = crypto.createCipheriv("aes-256-gcm", guardKey, nonce, { authTagLength: 16 });
  cipher.setAAD(Buffer.concat([place, body]));
  cipher.final();
  if (!cipher.getAuthTag().equals(stored.subarray(body.length))) throw new Problem("its guard does not match");
  return body;
}

function checkHash(stored, place) {
  if (stored.length < 32 + 5) throw new Problem("it is too short");
  const body = stored.subarray(0, stored.length - 32);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(place.length);
  const hash = crypto.createHash("blake2b512").update(length).update(place).update(body).digest().subarray(0, 32);
  if (!crypto.timingSafeEqual(hash, stored.subarray(body.length))) throw new Problem("its hash does not match");
  return body;
}

function decompress(codec, payload, plainBytes, version) {
  const limit = { maxOutputLength: Math.max(plainBytes, 64) };
  if (codec > 1 && version < 2) throw new Problem(`codec ${codec} has no place in an object of version ${version}`);
  try {
    if (codec === codecs.plain) return payload;
    if (codec === codecs.zstd) return zlib.zstdDecompressSync(payload, limit);
    if (codec === codecs.lz4) return decodeLz4(payload, plainBytes);
    if (codec === codecs.gzip) return zlib.gunzipSync(payload, limit);
  } catch (error) {
    throw new Problem(`it cannot be decompressed: ${error.message}`);
  }
  throw new Problem(`its codec ${codec} is unknown to this reader`);
}

/** One raw LZ4 block (lz4_Block_format.md): literals and matches in turn, ending with literals. */
export function decodeLz4(block, plainBytes) {
  const plain = Buffer.alloc(plainBytes);
  let from = 0;
  let to = 0;
  const lengthBehind = (nibble) => {
    if (nibble < 15) return nibble;
    for (let length = nibble; ; ) {
      if (from >= block.length) throw new Problem("a length is cut off");
      const more = block[from++];
      length += more;
      if (more < 255) return length;
    }
  };
  while (from < block.length) {
    const token = block[from++];
    const literals = lengthBehind(token >>> 4);
    if (from + literals > block.length || to + literals > plainBytes) throw new Problem("literals go past the end");
    plain.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === block.length) break;
    if (from + 2 > block.length) throw new Problem("an offset is cut off");
    const offset = block[from] | (block[from + 1] << 8);
    from += 2;
    const length = lengthBehind(token & 15) + 4;
    if (offset === 0 || offset > to || to + length > plainBytes) throw new Problem("a match goes past the ends");
    // A match may overlap what it makes: then it repeats its beginning.
    if (offset >= length) plain.copyWithin(to, to - offset, to - offset + length);
    else for (let at = to; at < to + length; at++) plain[at] = plain[at - offset];
    to += length;
  }
  if (to !== plainBytes) throw new Problem("it gives another length than it says");
  return plain;
}

// ---------------------------------------------------------------------------------------------------------------------
// §5 Seals, prefixes, trailers.

const newestVersion = 3;
const partCodes = { frame: 1, directory: 2, header: 3, chunk: 4, index: 5, fact: 6, wal: 7 };
const prefixBytes = 64;
const trailerBytes = 80;

function checkVersion(version) {
  if (version > newestVersion) {
    throw new Problem(
      `it is of format ${version}, which a newer Tidemark wrote; this reader knows 1 to ${newestVersion}`,
    );
  }
  if (version < 1) throw new Problem("there is no format version 0");
}

const walMagics = ["TIDEWALS", "TIDEWALP", "TIDEWALF", "TIDEWEND"];

function checkFlags(flags, keyId, version, magic) {
  if (flags !== (keyId === "" ? 0 : 1)) throw new Problem("it contradicts itself about encryption");
  if (keyId !== "" && version >= 3 && !walMagics.includes(magic)) {
    throw new Problem(`it is encrypted, which nothing of format ${version} is but WAL`);
  }
}

function readPrefix(bytes) {
  const reader = new Reader(bytes);
  const magic = reader.text(8);
  if (!magic.startsWith("TIDE")) throw new Problem("it does not begin as an object of Tidemark");
  const version = reader.u16();
  checkVersion(version);
  const flags = reader.u16();
  const boxBytes = reader.u32();
  const keyId = reader.text(32);
  checkFlags(flags, keyId, version, magic);
  return { magic, version, boxBytes, keyId, salt: reader.take(16) };
}

function readTrailer(bytes, magic) {
  const reader = new Reader(bytes);
  const trailer = {
    boxOffset: reader.u64(),
    boxBytes: reader.u32(),
    count: reader.u32(),
    keyId: reader.text(32),
    salt: reader.take(16),
    version: reader.u16(),
    flags: reader.u16(),
  };
  if (reader.u32() !== crc32c(bytes.subarray(0, 68))) throw new Problem("the CRC of its trailer does not match");
  if (reader.text(8) !== magic) throw new Problem("it does not end as it should");
  checkVersion(trailer.version);
  checkFlags(trailer.flags, trailer.keyId, trailer.version, magic);
  return trailer;
}

/** Gives key, nonce, additional data and guard key of each part of one object. */
function sealOf(repository, objectKey, { keyId, salt, version }) {
  let key = null;
  if (repository.dataKeys === null) {
    if (keyId !== "") throw new Problem("it says it is encrypted, in a repository that is not");
  } else {
    const dataKey = repository.dataKeys.get(keyId);
    if (dataKey === undefined)
      throw new Problem(`it is sealed with key ${keyId || "(none)"}, which no opened slot holds`);
    // What is encrypted and of version 3 is WAL (checkFlags), and sealed with the key of its server's WAL.
    const secret = version >= 3 ? walKeyOf(repository, objectKey, dataKey) : dataKey;
    const info = Buffer.from(`tidemark object key\0${repository.id}\0${objectKey}`, "latin1");
    key = Buffer.from(crypto.hkdfSync("sha256", secret, salt, info, 32));
  }
  const name = `tidemark/1 ${repository.id} ${objectKey} ${Buffer.from(salt).toString("hex")}`;
  return (kind, number) => {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(partCodes[kind]);
    nonce.writeBigUInt64BE(BigInt(number), 4);
    const guardKey = key === null ? guardKeyOf(repository, kind, version) : null;
    return { key, nonce, place: Buffer.from(`${name} ${kind} ${number}`, "latin1"), guardKey };
  };
}

/** One for each data key and each server. */
function walKeyOf(repository, objectKey, dataKey) {
  const info = Buffer.from(`tidemark wal key\0${repository.id}\0${objectKey.split("/")[0]}`, "latin1");
  return Buffer.from(crypto.hkdfSync("sha256", dataKey, Buffer.alloc(0), info, 32));
}

/** Keys of the hashes of WAL and of its guards before version 3. */
function walKeys(repository) {
  const seed = repository.fingerprintSeed;
  if (seed === null) throw new Problem("no slot that was opened holds the seed of the hashes");
  const info = Buffer.from(`tidemark wal hash\0${repository.id}`, "latin1");
  return Buffer.from(crypto.hkdfSync("sha256", seed, Buffer.alloc(0), info, 96));
}

/** What the boxes of an object without encryption are guarded with; null: a hash. */
function guardKeyOf(repository, kind, version) {
  if (version < 3) return kind === "wal" ? walKeys(repository).subarray(64) : null;
  repository.guardKey ??= Buffer.from(
    crypto.hkdfSync("sha256", Buffer.from(repository.id, "latin1"), Buffer.alloc(0), "tidemark guard", 32),
  );
  return repository.guardKey;
}

// ---------------------------------------------------------------------------------------------------------------------
// §1 Objects in files, §2 tidemark.json, §3 keys.

/** Puts the name of the object in front of whatever is wrong with it. */
function about(name, act) {
  try {
    return act();
  } catch (error) {
    if (error.code === "ENOENT") throw new Problem(`${name} is missing`);
    if (error instanceof UsageProblem) throw error;
    throw new Problem(`${name}: ${error.message}`);
  }
}

class ObjectFile {
  constructor(repository, key) {
    this.key = key;
    this.descriptor = fs.openSync(join(repository.folder, key), "r");
    this.sizeBytes = fs.fstatSync(this.descriptor).size;
  }
  read(offset, length) {
    if (offset + length > this.sizeBytes) throw new Problem("it is shorter than it says");
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      const count = fs.readSync(this.descriptor, bytes, done, length - done, offset + done);
      if (count === 0) throw new Problem("it became shorter while it was read");
      done += count;
    }
    return bytes;
  }
  close() {
    fs.closeSync(this.descriptor);
  }
}

const list = (repository, place) => {
  const folder = join(repository.folder, place);
  return fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
};

function openRepository(options) {
  const place = options.repository;
  if (place === undefined) throw new UsageProblem("--repository is missing");
  const folder = place.startsWith("file:") ? fileURLToPath(place) : resolve(place);
  const document = about(join(folder, "tidemark.json"), () =>
    JSON.parse(fs.readFileSync(join(folder, "tidemark.json"), "utf8")),
  );
  about("tidemark.json", () => {
    if (document.tidemark !== "repository") throw new Problem("it is not that of a Tidemark repository");
    checkVersion(document.formatVersion);
    for (const name of document.requires) throw new Problem(`it requires ${name}, which this reader does not know`);
    if (!["aes-256-gcm", "none"].includes(document.encryption)) {
      throw new Problem(`its encryption ${document.encryption} is unknown to this reader`);
    }
  });
  const { seed } = document.fingerprint;
  const fingerprintSeed = seed === null ? null : Buffer.from(seed, "base64");
  const repository = { folder, id: document.id, document, dataKeys: null, fingerprintSeed, guardKey: null };
  if (document.encryption !== "none") repository.dataKeys = openSlots(repository, options);
  return repository;
}

function openSlots(repository, options) {
  const secret = readSecret(options);
  if (secret === null) {
    throw new UsageProblem("the repository is encrypted: --key-file, --passphrase-file or --slot-file is needed");
  }
  const dataKeys = new Map();
  const kinds = new Set();
  const damaged = [];
  const walAlone = [];
  for (const name of list(repository, "keys")) {
    try {
      const slot = JSON.parse(fs.readFileSync(join(repository.folder, "keys", name), "utf8"));
      if (slot.tidemark !== "key-slot" || slot.repositoryId !== repository.id) continue;
      kinds.add(slot.kind);
      const opened = openSlot(repository, slot, name, secret);
      if (opened === null) continue;
      if (opened.dataKey === undefined) {
        walAlone.push(slot.walOf);
        continue;
      }
      dataKeys.set(slot.keyId, Buffer.from(opened.dataKey, "base64"));
      repository.fingerprintSeed = Buffer.from(opened.fingerprintSeed, "base64");
    } catch (error) {
      damaged.push(`keys/${name} (${error.message})`);
    }
  }
  if (dataKeys.size > 0) return dataKeys;
  if (walAlone.length > 0) {
    throw new Problem(
      `this ${secret.kind} is a database host's: it opens only the WAL of ${walAlone[0]}; a key that opens everything is needed`,
    );
  }
  const found = kinds.size === 0 ? "no readable slot" : `slots of the kinds ${[...kinds].join(", ")}`;
  const lost = damaged.length === 0 ? "" : `, and damaged ones: ${damaged.join("; ")}`;
  throw new Problem(`this ${secret.kind} opens no slot of the repository, which has ${found}${lost}`);
}

function readSecret(options) {
  if (options["key-file"] !== undefined) {
    return { kind: "key file", bytes: parseKeyFile(readText(options["key-file"])) };
  }
  if (options["passphrase-file"] !== undefined) {
    const text = readText(options["passphrase-file"]).replace(/\r?\n$/, "");
    return { kind: "passphrase", bytes: Buffer.from(text.normalize("NFC"), "utf8") };
  }
  if (options["slot-file"] === undefined) return null;
  const plains = options["slot-file"].map((path) => about(path, () => JSON.parse(readText(path))));
  return { kind: "slot file", plains };
}

const readText = (path) => about(path, () => fs.readFileSync(path === "-" ? 0 : path, "utf8"));

function parseKeyFile(text) {
  const [, encoded] = /tidemark-key-1:([A-Za-z0-9_-]+)/.exec(text) ?? [];
  if (encoded === undefined) throw new Problem("there is no key in the key file: it has no tidemark-key-1:");
  const bytes = Buffer.from(encoded, "base64url");
  if (bytes.length !== 36 || bytes.readUInt32LE(32) !== crc32c(bytes.subarray(0, 32))) {
    throw new Problem("the key file has a missing or wrong character");
  }
  return bytes.subarray(0, 32);
}

/** What a slot holds (`dataKey`, `fingerprintSeed`), or null when this secret is not for it. */
function openSlot(repository, slot, name, secret) {
  if (secret.kind === "slot file") return slotFromPlain(slot, secret.plains);
  if (slot.derivation === undefined) return null;
  const wrappingKey = deriveWrappingKey(slot.derivation, secret);
  if (wrappingKey === null) return null;
  const nonce = Buffer.from(slot.nonce, "base64");
  const scope = slot.walOf === undefined ? "" : ` wal ${slot.walOf}`;
  const place = Buffer.from(`tidemark/1 ${repository.id} keys/${name} ${slot.keyId}${scope}`, "latin1");
  let plain;
  try {
    plain = openBox(Buffer.from(slot.sealed, "base64"), { key: wrappingKey, nonce, place }, slot.formatVersion);
  } catch {
    return null;
  }
  return JSON.parse(plain.toString("utf8"));
}

/** What `age` opened says which data key it is. */
function slotFromPlain(slot, plains) {
  if (slot.kind !== "age") return null;
  return plains.find(({ keyId }) => keyId === slot.keyId) ?? null;
}

function deriveWrappingKey(derivation, secret) {
  const salt = Buffer.from(derivation.salt, "base64");
  if (derivation.name === "hkdf-sha256") {
    if (secret.kind !== "key file") return null;
    return Buffer.from(crypto.hkdfSync("sha256", secret.bytes, salt, "tidemark wrapping key", 32));
  }
  if (secret.kind !== "passphrase") return null;
  if (derivation.name === "scrypt") {
    const { cost: N, blockSize: r, parallelism: p } = derivation;
    return crypto.scryptSync(secret.bytes, salt, 32, { N, r, p, maxmem: 256 * N * r });
  }
  if (derivation.name !== "argon2id") return null;
  const { memoryKib: memory, passes, parallelism } = derivation;
  return crypto.argon2Sync("argon2id", {
    message: secret.bytes,
    nonce: salt,
    memory,
    passes,
    parallelism,
    tagLength: 32,
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// §9 Small facts.

function readFact(repository, key) {
  const bytes = fs.readFileSync(join(repository.folder, key));
  const prefix = readPrefix(bytes);
  if (prefix.magic !== "TIDEFACT") throw new Problem("it is not a fact");
  const seal = sealOf(repository, key, prefix);
  return JSON.parse(openBox(bytes.subarray(prefixBytes), seal("fact", 0), prefix.version).toString("utf8"));
}

/** The text of the hold that keeps a backup from being deleted, or null. */
function holdOf(repository, server, backup) {
  const place = `${server}/marks/${backup}`;
  const marks = list(repository, place).map((name) => {
    const key = `${place}/${name}`;
    return { name, ...about(key, () => readFact(repository, key)) };
  });
  marks.sort((a, b) => (a.at === b.at ? (a.name < b.name ? -1 : 1) : a.at < b.at ? -1 : 1));
  const newest = marks.findLast(({ kind }) => kind === "hold" || kind === "release");
  return newest?.kind === "hold" ? newest.text : null;
}

// ---------------------------------------------------------------------------------------------------------------------
// §7 Manifests, §8 claimed keys.

class Manifest {
  /** Null for a claimed key: there is no backup. */
  static open(repository, server, backup) {
    const key = `${server}/backups/${backup}`;
    return about(key, () => {
      const file = new ObjectFile(repository, key);
      try {
        const prefix = readPrefix(file.read(0, prefixBytes));
        if (prefix.magic === "TIDEREVO") return null;
        if (prefix.magic !== "TIDEMANI") throw new Problem("it is not a manifest");
        return new Manifest(repository, file, prefix, backup);
      } catch (error) {
        file.close();
        throw error;
      }
    });
  }

  constructor(repository, file, prefix, backup) {
    this.key = file.key;
    this.file = file;
    this.version = prefix.version;
    this.seal = sealOf(repository, file.key, prefix);
    const header = openBox(file.read(prefixBytes, prefix.boxBytes), this.seal("header", 0), this.version);
    this.header = JSON.parse(header.toString("utf8"));
    if (this.header.backupId !== backup) throw new Problem(`it is the manifest of ${this.header.backupId}`);
    this.chunksAt = prefixBytes + prefix.boxBytes;
    this.trailer = readTrailer(file.read(file.sizeBytes - trailerBytes, trailerBytes), "TIDEMEND");
    if (!this.trailer.salt.equals(prefix.salt) || this.trailer.keyId !== prefix.keyId) {
      throw new Problem("its two ends belong to different manifests");
    }
    const { boxOffset, boxBytes, version } = this.trailer;
    if (version !== this.version) throw new Problem("its two ends are of different versions");
    if (boxOffset + boxBytes + trailerBytes !== file.sizeBytes) throw new Problem("its trailer points elsewhere");
    this.readIndex(new Reader(openBox(file.read(boxOffset, boxBytes), this.seal("index", 0), this.version)));
  }

  readIndex(reader) {
    this.packs = [];
    for (let count = reader.varint(); count > 0; count--) {
      const id = reader.sized().toString("latin1");
      if (!/^[a-z0-9_-]{1,32}$/.test(id)) throw new Problem(`it names a pack "${id}"`);
      this.packs.push({ id, frames: this.version >= 2 ? reader.sized() : null });
    }
    this.chunks = [];
    let offset = this.chunksAt;
    for (let count = reader.varint(); count > 0; count--) {
      const storedBytes = reader.varint();
      this.chunks.push({ offset, storedBytes, plainBytes: reader.varint() });
      offset += storedBytes;
    }
    reader.end();
    if (this.chunks.length !== this.trailer.count) throw new Problem("index and trailer disagree");
    if (offset !== this.trailer.boxOffset) throw new Problem("there is something between its chunks and its index");
  }

  *records() {
    for (const [number, chunk] of this.chunks.entries()) {
      const plain = about(`${this.key}, chunk ${number}`, () => {
        const opened = openBox(
          this.file.read(chunk.offset, chunk.storedBytes),
          this.seal("chunk", number),
          this.version,
        );
        if (opened.length !== chunk.plainBytes) throw new Problem("it has another length than the index says");
        return opened;
      });
      for (const reader = new Reader(plain); !reader.done; )
        yield { type: reader.u8(), body: new Reader(reader.sized()) };
    }
  }

  /** Directories and links as they are; a file as its record, then its runs one by one, then its end. */
  *entries() {
    let inFile = false;
    for (const { type, body } of this.records()) {
      if (inFile !== (type === 4 || type === 5)) throw new Problem(`${this.key}: its records are out of order`);
      if (type === 1) yield { kind: "directory", mode: body.varint(), path: body.sized() };
      else if (type === 2) yield { kind: "link", path: body.sized(), target: body.sized() };
      else if (type === 3) {
        inFile = true;
        yield {
          kind: "file",
          path: body.sized(),
          mode: body.varint(),
          sizeBytes: body.varint(),
          modifiedMs: body.signed(),
        };
      } else if (type === 4) {
        for (let count = body.varint(); count > 0; count--) yield this.extent(body);
      } else if (type === 5) {
        inFile = false;
        yield { kind: "end", crc: body.u32() };
        // How fragmented the file is, which is nothing to a restore.
        if (this.version >= 2) [body.varint(), body.varint()];
      } else throw new Problem(`${this.key}: a record of type ${type} is unknown to this reader`);
      about(this.key, () => body.end());
    }
    if (inFile) throw new Problem(`${this.key}: its last file has no end`);
  }

  extent(body) {
    const kind = body.u8();
    if (kind === 0) return { kind: "zeros", length: body.varint() };
    if (kind !== 1 && !(kind === 2 && this.version >= 2)) {
      throw new Problem(`${this.key}: an extent of kind ${kind} is unknown to this reader`);
    }
    const pack = this.packs[body.varint()];
    const frame = body.varint();
    if (pack === undefined) throw new Problem(`${this.key}: an extent points to a pack beyond the index`);
    if (pack.frames !== null && ((pack.frames[frame >> 3] ?? 0) & (1 << (frame & 7))) === 0) {
      throw new Problem(`${this.key}: an extent uses frame ${frame} of pack ${pack.id}, which the index does not mark`);
    }
    const run = { kind: "run", pack: pack.id, frame, offset: body.varint(), length: body.varint(), crc: body.u32() };
    if (kind === 1) body.take(16);
    return run;
  }

  close() {
    this.file.close();
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// §6 Packs.

const pieceBytes = 8192;

class Pack {
  constructor(repository, server, id) {
    this.id = id;
    const key = `${server}/packs/${id}`;
    this.file = new ObjectFile(repository, key);
    const { file } = this;
    const head = new Reader(file.read(0, 128));
    const prefix = readPrefix(head.take(prefixBytes));
    if (prefix.magic !== "TIDEPACK") throw new Problem("it is not a pack");
    if (head.text(32) !== id) throw new Problem("it is another pack than its name says");
    const writer = head.text(32);
    const trailer = readTrailer(file.read(file.sizeBytes - trailerBytes, trailerBytes), "TIDEPEND");
    if (!trailer.salt.equals(prefix.salt) || trailer.keyId !== prefix.keyId || trailer.version !== prefix.version) {
      throw new Problem("its two ends belong to different packs");
    }
    if (trailer.boxOffset + trailer.boxBytes + trailerBytes !== file.sizeBytes) {
      throw new Problem("its trailer points elsewhere");
    }
    this.version = prefix.version;
    this.seal = sealOf(repository, key, prefix);
    const directory = openBox(file.read(trailer.boxOffset, trailer.boxBytes), this.seal("directory", 0), this.version);
    this.readDirectory(new Reader(directory), writer, trailer.count);
  }

  readDirectory(reader, writer, count) {
    if (reader.text(32) !== writer) throw new Problem("its head and its directory name different backups");
    if (reader.u32() !== count) throw new Problem("directory and trailer disagree");
    this.frames = Array.from({ length: count }, () => {
      const frame = { offset: reader.u64(), storedBytes: reader.u32(), plainBytes: reader.u32() };
      frame.number = reader.u32();
      frame.crc = reader.u32();
      reader.take(16);
      return { ...frame, guard: reader.take(16), pieces: [] };
    });
    if (this.version >= 2) for (const frame of this.frames) frame.pieces = readPieces(reader, frame.plainBytes);
    reader.end();
  }

  /** The plain bytes of a frame, checked in every way there is. */
  open(index) {
    const frame = this.frames[index];
    if (frame === undefined) throw new Problem("there is no such frame in its directory");
    const stored = this.file.read(frame.offset, frame.storedBytes);
    if (!stored.subarray(-16).equals(frame.guard)) throw new Problem("it does not end as the directory says");
    const plain = openBox(stored, this.seal("frame", frame.number), this.version);
    if (plain.length !== frame.plainBytes) throw new Problem("it has another length than the directory says");
    if (crc32c(plain) !== frame.crc) throw new Problem("its CRC-32C is not the one in the directory");
    for (const [piece, crc] of frame.pieces.entries()) {
      if (crc32c(plain.subarray(piece * pieceBytes, (piece + 1) * pieceBytes)) !== crc) {
        throw new Problem(`the CRC-32C of its piece ${piece} is not the one in the directory`);
      }
    }
    return { plain, crc: frame.crc };
  }

  close() {
    this.file.close();
  }
}

/** CRC-32C of each 8192 bytes of the frame, or none at all where they are not known. */
function readPieces(reader, plainBytes) {
  const count = reader.varint();
  if (count !== 0 && count !== Math.ceil(plainBytes / pieceBytes))
    throw new Problem("a frame has a wrong number of pieces");
  return Array.from({ length: count }, () => reader.u32());
}

/** Frames by pack and number, with the last ones kept: many small files share a frame, many files a pack. */
class Frames {
  constructor(repository, server) {
    this.repository = repository;
    this.server = server;
    this.packs = new Map();
    this.opened = new Map();
  }

  get(packId, index) {
    return recent(this.opened, `${packId} ${index}`, keptFrames, () => {
      const pack = about(`pack ${packId} (${this.server}/packs/${packId})`, () =>
        recent(this.packs, packId, keptPacks, () => new Pack(this.repository, this.server, packId)),
      );
      return about(`frame ${index} of pack ${packId}`, () => pack.open(index));
    });
  }

  close() {
    for (const pack of this.packs.values()) pack.close();
  }
}

/** At most 256 frames of 128 KiB, and 16 files with their directories. */
const keptFrames = 256;
const keptPacks = 16;

function recent(kept, name, limit, make) {
  const value = kept.get(name) ?? make();
  kept.delete(name);
  kept.set(name, value);
  if (kept.size > limit) {
    const [oldest] = kept.keys();
    kept.get(oldest).close?.();
    kept.delete(oldest);
  }
  return value;
}

// ---------------------------------------------------------------------------------------------------------------------
// §11 Reading a backup: the tree is made file by file; the folder is marked until all is right and durable.

const unfinishedMark = ".tidemark-restoring";
const controlPath = "global/pg_control";
/** What tells of the source's running server, and what would make the copy a standby of another's primary. */
const leftOut = new Set(["postmaster.pid", "postmaster.opts", "backup_manifest", unfinishedMark]);
const signalFiles = new Set(["standby.signal", "recovery.signal"]);

class Restore {
  constructor(repository, server, manifest, { to, tablespaces, keepSignalFiles }) {
    this.manifest = manifest;
    this.frames = new Frames(repository, server);
    this.to = to;
    this.tablespaces = tablespaces;
    this.keepSignalFiles = keepSignalFiles;
    this.directories = new Map();
    this.links = [];
    this.files = 0;
    this.bytes = 0;
  }

  run() {
    const { facts, fileCount, plainBytes } = this.manifest.header;
    const mode = facts.dataDirectoryMode;
    for (const folder of [this.to, ...this.tablespaces.values()]) prepareFolder(folder, mode);
    fs.writeFileSync(join(this.to, unfinishedMark), "an unfinished restore of Tidemark\n", { flag: "wx", mode: 0o600 });
    let file = null;
    for (const entry of this.manifest.entries()) {
      if (entry.kind === "directory") this.directory(entry);
      else if (entry.kind === "link") this.link(entry);
      else if (entry.kind === "file") file = this.begin(entry);
      else if (entry.kind === "end") this.end(file, entry);
      else this.extent(file, entry);
    }
    if (this.files !== fileCount || String(this.bytes) !== plainBytes) {
      throw new Problem(
        `${this.manifest.key}: its header promises ${fileCount} files with ${plainBytes} bytes, it holds ${this.files} with ${this.bytes}`,
      );
    }
    this.finish(facts);
  }

  directory({ path, mode }) {
    const place = this.place(path);
    fs.mkdirSync(place, { recursive: true });
    // Never less than the owner's own rights until the end: files are still to be made in it.
    this.directories.set(place.toString("latin1"), { place, mode: (mode & 0o777) | 0o700 });
  }

  /** Made at the end, so that nothing is ever written through one. The links of tablespaces are ours to decide. */
  link({ path, target }) {
    if (/^pg_tblspc\/[0-9]+$/.test(path.toString("latin1"))) return;
    this.links.push({ place: this.place(path), target });
  }

  begin({ path, mode, sizeBytes }) {
    const name = path.toString("latin1");
    const skipped = leftOut.has(name) || (signalFiles.has(name) && !this.keepSignalFiles);
    const file = { name: path.toString("utf8"), sizeBytes, at: 0, crc: 0, descriptor: null };
    if (skipped) return file;
    const place = name === controlPath ? this.place(Buffer.from(`${controlPath}.unfinished`)) : this.place(path);
    const parent = place.subarray(0, place.lastIndexOf(0x2f));
    if (!this.directories.has(parent.toString("latin1"))) {
      fs.mkdirSync(parent, { recursive: true, mode: 0o700 });
      this.directories.set(parent.toString("latin1"), {
        place: parent,
        mode: this.manifest.header.facts.dataDirectoryMode,
      });
    }
    file.descriptor = fs.openSync(place, "wx", 0o600);
    // Its whole size at once: what is not written is zeros, and takes no room where the file system can do that.
    fs.ftruncateSync(file.descriptor, sizeBytes);
    fs.fchmodSync(file.descriptor, mode & 0o777);
    return file;
  }

  extent(file, entry) {
    if (file.at + entry.length > file.sizeBytes) throw new Problem(`${file.name}: its runs are longer than the file`);
    if (entry.kind === "zeros") {
      file.crc = joinZeros(file.crc, entry.length);
    } else {
      const bytes = about(`${file.name}, bytes ${file.at} to ${file.at + entry.length}`, () => this.readRun(entry));
      if (file.descriptor !== null) writeFully(file.descriptor, bytes, file.at);
      file.crc = joinCrc(file.crc, entry.crc, entry.length);
    }
    file.at += entry.length;
  }

  readRun({ pack, frame, offset, length, crc }) {
    const opened = this.frames.get(pack, frame);
    if (offset + length > opened.plain.length)
      throw new Problem(`frame ${frame} of pack ${pack} is too short for this run`);
    const bytes = opened.plain.subarray(offset, offset + length);
    const found = length === opened.plain.length ? opened.crc : crc32c(bytes);
    if (found !== crc) throw new Problem(`the CRC-32C of its run in frame ${frame} of pack ${pack} does not match`);
    return bytes;
  }

  end(file, { crc }) {
    if (file.at !== file.sizeBytes) throw new Problem(`${file.name}: its runs end before the file does`);
    if (file.crc !== crc) throw new Problem(`${file.name}: the CRC-32C of the whole file does not match`);
    this.files++;
    this.bytes += file.sizeBytes;
    if (file.descriptor === null) return;
    fs.fsyncSync(file.descriptor);
    fs.closeSync(file.descriptor);
  }

  /** Links, the tablespace map, modes; then everything durable; pg_control and the mark last. */
  finish(facts) {
    for (const { place, target } of this.links) fs.symlinkSync(target, place);
    this.placeTablespaces(facts);
    for (const { place, mode } of [...this.directories.values()].reverse()) {
      fs.chmodSync(place, mode);
      syncFolder(place);
    }
    const staged = join(this.to, `${controlPath}.unfinished`);
    if (fs.existsSync(staged)) {
      fs.renameSync(staged, join(this.to, controlPath));
      syncFolder(join(this.to, "global"));
    }
    fs.rmSync(join(this.to, unfinishedMark));
    for (const folder of [this.to, ...this.tablespaces.values()]) {
      syncFolder(folder);
      syncFolder(dirname(folder));
    }
  }

  /**
   * PostgreSQL makes the links that `tablespace_map` names anew when it starts, over whatever is there: so the map gets
   * the new places, and no line for what lies in pg_tblspc itself.
   */
  placeTablespaces({ tablespaceMap, tablespaces }) {
    if (tablespaces.length > 0) fs.mkdirSync(join(this.to, "pg_tblspc"), { recursive: true, mode: 0o700 });
    for (const { oid } of tablespaces) {
      const place = join(this.to, "pg_tblspc", String(oid));
      const mapped = this.tablespaces.get(String(oid));
      if (mapped !== undefined) fs.symlinkSync(mapped, place);
      else fs.mkdirSync(place, { recursive: true, mode: 0o700 });
    }
    const map = join(this.to, "tablespace_map");
    if (tablespaceMap === "" || !fs.existsSync(map)) return;
    const lines = [...this.tablespaces].map(([oid, folder]) => `${oid} ${folder.replace(/[\\\n\r]/g, "\\$&")}\n`);
    fs.writeFileSync(map, lines.join(""));
    const descriptor = fs.openSync(map, "r+");
    fs.fsyncSync(descriptor);
    fs.closeSync(descriptor);
  }

  /** Where a path of the manifest goes; one that leads out of the data directory is refused. */
  place(path) {
    const text = path.toString("latin1");
    if (text.includes("\0") || text.split("/").some((part) => part === "" || part === "." || part === "..")) {
      throw new Problem(`${this.manifest.key}: the path "${text}" leads out of the data directory`);
    }
    const [, oid] = /^pg_tblspc\/([0-9]+)(?:\/|$)/.exec(text) ?? [];
    const mapped = this.tablespaces.get(oid);
    if (mapped === undefined) return Buffer.concat([Buffer.from(`${this.to}/`), path]);
    const rest = path.subarray(Math.min(path.length, `pg_tblspc/${oid}/`.length));
    return rest.length === 0 ? Buffer.from(mapped) : Buffer.concat([Buffer.from(`${mapped}/`), rest]);
  }
}

function prepareFolder(folder, mode) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = fs.readdirSync(folder);
  if (found.includes(unfinishedMark)) throw new Problem(`${folder} holds an unfinished restore; remove it first`);
  if (found.length > 0) throw new Problem(`${folder} is not empty; nothing was written`);
  fs.chmodSync(folder, mode);
}

function writeFully(descriptor, bytes, position) {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

function syncFolder(folder) {
  const descriptor = fs.openSync(folder, "r");
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}

// ---------------------------------------------------------------------------------------------------------------------
// The command.

/** Every server with its backups, oldest first; what cannot be read is listed with the reason. */
function catalogOf(repository) {
  const names = fs.readdirSync(repository.folder, { withFileTypes: true });
  return names
    .filter((entry) => entry.isDirectory() && entry.name !== "keys" && /^[a-z0-9_-]{1,32}$/.test(entry.name))
    .map(({ name: server }) => {
      const backups = list(repository, `${server}/backups`).flatMap((backup) => describe(repository, server, backup));
      backups.sort((a, b) => ((a.startedAt ?? "") < (b.startedAt ?? "") ? -1 : 1));
      return {
        server,
        name: backups.findLast(({ serverName }) => serverName !== undefined)?.serverName ?? null,
        backups,
      };
    })
    .sort((a, b) => (a.server < b.server ? -1 : 1));
}

function describe(repository, server, backup) {
  try {
    const manifest = Manifest.open(repository, server, backup);
    if (manifest === null) return [];
    manifest.close();
    const { facts, fileCount, plainBytes } = manifest.header;
    const { serverName, serverVersion, systemIdentifier, startedAt, stopLsn, stopTimeline } = facts;
    const held = holdOf(repository, server, backup);
    const sizes = { fileCount, plainBytes, packCount: manifest.packs.length };
    return [
      {
        backup,
        serverName,
        serverVersion,
        systemIdentifier,
        startedAt,
        stopLsn,
        stopTimeline,
        ...sizes,
        held,
        damaged: null,
      },
    ];
  } catch (error) {
    return [{ backup, damaged: error.message }];
  }
}

function runList(options, say) {
  const catalog = catalogOf(openRepository(options));
  if (options.json) say(JSON.stringify(catalog, null, 2));
  else {
    if (catalog.length === 0) say("The repository holds no servers.");
    for (const { server, name, backups } of catalog) {
      say(`${name ?? "(name unknown)"}  ${server}`);
      for (const backup of backups) say(`  ${sayBackup(backup)}`);
    }
  }
  return catalog.some(({ backups }) => backups.some(({ damaged }) => damaged !== null)) ? 1 : 0;
}

function sayBackup({ backup, damaged, startedAt, serverVersion, fileCount, plainBytes, held }) {
  if (damaged !== null) return `${backup}  DAMAGED: ${damaged}`;
  const version = `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
  const hold = held === null ? "" : `, held: ${held}`;
  return `${backup}  ${startedAt}  PostgreSQL ${version}, ${fileCount} files, ${plainBytes} bytes${hold}`;
}

function runRestore(options, say) {
  if (options.to === undefined) throw new UsageProblem("--to is missing");
  const repository = openRepository(options);
  const { server, backup } = chooseBackup(catalogOf(repository), options);
  const manifest = Manifest.open(repository, server, backup);
  if (manifest === null) throw new Problem(`there is no backup ${backup}`);
  const { facts } = manifest.header;
  const tablespaces = new Map((options.tablespace ?? []).map(parseTablespace));
  for (const oid of tablespaces.keys()) {
    if (!facts.tablespaces.some((one) => String(one.oid) === oid)) {
      throw new UsageProblem(`the backup has no tablespace ${oid}`);
    }
  }
  const to = resolve(options.to);
  const restore = new Restore(repository, server, manifest, {
    to,
    tablespaces,
    keepSignalFiles: options["keep-signal-files"] === true,
  });
  try {
    restore.run();
  } finally {
    restore.frames.close();
    manifest.close();
  }
  say(
    `Restored ${backup} of ${facts.serverName} to ${to}: ${restore.files} files, ${restore.bytes} bytes, every CRC right.`,
  );
  say(
    `Give the folder to the user PostgreSQL ${Math.floor(facts.serverVersion / 10_000)} runs under and start it there.`,
  );
  const inside = facts.tablespaces.filter(({ oid }) => !tablespaces.has(String(oid)));
  for (const { oid, path } of inside) say(`Tablespace ${oid} (${path}) is in pg_tblspc/${oid} itself.`);
  return 0;
}

function parseTablespace(text) {
  const [, oid, folder] = /^([0-9]+)=(.+)$/.exec(text) ?? [];
  if (oid === undefined || !isAbsolute(folder))
    throw new UsageProblem(`--tablespace ${text} is not OID=/ABSOLUTE/FOLDER`);
  return [oid, folder];
}

function chooseBackup(catalog, { server: wanted, backup: wantedBackup }) {
  const servers = catalog.filter(({ server, name }) => wanted === undefined || wanted === server || wanted === name);
  if (servers.length !== 1) {
    const known = catalog.map(({ server, name }) => (name === null ? server : `${name} (${server})`)).join(", ");
    throw new UsageProblem(
      `${wanted === undefined ? "--server is needed" : `--server ${wanted} is not one server`}; there are: ${known}`,
    );
  }
  const [{ server, backups }] = servers;
  const chosen =
    wantedBackup === undefined
      ? backups.findLast(({ damaged }) => damaged === null)
      : backups.find(({ backup }) => backup === wantedBackup);
  if (chosen === undefined) throw new Problem(`server ${server} has no such backup`);
  if (chosen.damaged !== null) throw new Problem(`backup ${chosen.backup} cannot be restored: ${chosen.damaged}`);
  return { server, backup: chosen.backup };
}

// ---------------------------------------------------------------------------------------------------------------------
// §10 WAL.

const walBlockBytes = 131072;

/** What is stored for a name: at its key, or, one of each writer, below it. */
function keysFor(repository, key) {
  const path = join(repository.folder, key);
  if (!fs.existsSync(path)) return [];
  if (fs.statSync(path).isFile()) return [key];
  return list(repository, key).map((name) => `${key}/${name}`);
}

/** The one object of a name; several must be the same. */
function onlyOne(name, contents) {
  const [first, ...others] = contents;
  if (others.some((other) => !other.equals(first))) throw new Problem(`there are two of ${name}, and they differ`);
  return first;
}

/** Header and records of a segment or piece. `grows`: it ends at the first record that is not whole. */
function readWalObject(repository, key, sealedFor, { grows }) {
  const file = new ObjectFile(repository, key);
  try {
    const bytes = file.read(0, file.sizeBytes);
    const prefix = readPrefix(bytes);
    const isPiece = prefix.magic === "TIDEWALP";
    if (!isPiece && prefix.magic !== "TIDEWALS") throw new Problem("it is no WAL");
    const seal = sealOf(repository, isPiece ? key : sealedFor, prefix);
    const open = (from, length, kind, number) => {
      if (from + length > bytes.length) throw new Problem("it ends early");
      return openBox(bytes.subarray(from, from + length), seal(kind, number), prefix.version);
    };
    const header = JSON.parse(open(prefixBytes, prefix.boxBytes, "header", 0).toString("utf8"));
    const parts = [];
    let index = null;
    try {
      for (let at = prefixBytes + prefix.boxBytes; ; ) {
        if (at + 8 > bytes.length) throw new Problem("it ends early");
        const [stored, offset] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
        at += 8;
        if (stored === 0) {
          if (!isPiece) index = readWalIndex(bytes, at, open);
          break;
        }
        const plain = open(at, stored, "wal", offset);
        if ((offset % walBlockBytes) + plain.length > walBlockBytes) throw new Problem("a box is too long");
        parts.push({ offset, plain });
        at += stored;
      }
    } catch (error) {
      if (!grows) throw error;
    }
    return { header, parts, index };
  } finally {
    file.close();
  }
}

function readWalIndex(bytes, at, open) {
  const trailer = readTrailer(bytes.subarray(bytes.length - trailerBytes), "TIDEWEND");
  if (trailer.boxOffset !== at || at + trailer.boxBytes + trailerBytes !== bytes.length) {
    throw new Problem("its trailer points elsewhere");
  }
  return JSON.parse(open(trailer.boxOffset, trailer.boxBytes, "index", 0).toString("utf8"));
}

/** The plain bytes of an object that has an index of this kind. */
function readIndexed(repository, key, sealedFor, kind) {
  return about(key, () => {
    const { parts, index } = readWalObject(repository, key, sealedFor, { grows: false });
    if (index.kind !== kind) throw new Problem(`it is not ${kind}`);
    if (kind === "whole" && index.plainBytes !== index.segmentBytes) throw new Problem("it is not whole");
    const plain = Buffer.alloc(index.plainBytes);
    let end = 0;
    for (const part of parts) {
      if (part.offset !== end) throw new Problem("there is a hole in it");
      part.plain.copy(plain, end);
      end += part.plain.length;
    }
    if (end !== index.boxedBytes) throw new Problem("it has another length than its index says");
    if (walHash(repository.walHashKeys, plain) !== index.plainHash) {
      throw new Problem("its hash does not match");
    }
    return plain;
  });
}

function walHashKeys(repository) {
  const keys = walKeys(repository);
  return { part: keys.subarray(0, 32), whole: keys.subarray(32, 64) };
}

function walHash(keys, plain) {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(plain.length));
  const whole = crypto.createHmac("blake2b512", keys.whole).update(length);
  for (let at = 0; at < plain.length; at += walBlockBytes) {
    const cipher = crypto.createCipheriv("aes-256-gcm", keys.part, Buffer.alloc(12));
    cipher.setAAD(plain.subarray(at, at + walBlockBytes));
    cipher.final();
    whole.update(cipher.getAuthTag());
  }
  return whole.digest().subarray(0, 32).toString("base64");
}

/** What all pieces of a segment give together from its start, or null. */
function joinWalPieces(repository, folder, segment) {
  const place = `${folder}partial/${segment}`;
  let plain = null;
  let covered = null;
  for (const name of list(repository, place).flatMap((one) => keysFor(repository, `${place}/${one}`))) {
    const piece = name.slice(place.length + 1);
    if (piece.startsWith("archived")) continue;
    const grows = /^(segment|growing)-/.test(piece);
    let object;
    try {
      object = about(name, () => readWalObject(repository, name, `${folder}${segment}`, { grows }));
    } catch (error) {
      if (grows) continue;
      throw error;
    }
    plain ??= Buffer.alloc(object.header.segmentBytes);
    covered ??= new Uint8Array(object.header.segmentBytes);
    const { index, parts } = object;
    if (index !== null)
      parts.push({ offset: index.boxedBytes, plain: Buffer.alloc(index.plainBytes - index.boxedBytes) });
    for (const { offset, plain: bytes } of parts) {
      for (let at = 0; at < bytes.length; at++) {
        if (covered[offset + at] === 1 && plain[offset + at] !== bytes[at]) {
          throw new Problem(`${name}: another piece has other bytes at ${offset + at} of the segment`);
        }
      }
      bytes.copy(plain, offset);
      covered.fill(1, offset, offset + bytes.length);
    }
  }
  if (covered === null) return null;
  const end = covered.indexOf(0);
  return end === -1 ? plain : plain.fill(0, end);
}

function readWalFile(repository, key, sealedFor) {
  return about(key, () => {
    const bytes = fs.readFileSync(join(repository.folder, key));
    const prefix = readPrefix(bytes);
    if (prefix.magic !== "TIDEWALF") throw new Problem("it is no file of WAL");
    const seal = sealOf(repository, sealedFor, prefix);
    return openBox(bytes.subarray(prefixBytes), seal("fact", 0), prefix.version);
  });
}

function runWal(options, say) {
  if (options.to === undefined) throw new UsageProblem("--to is missing");
  const repository = openRepository(options);
  repository.walHashKeys = walHashKeys(repository);
  const place = chooseWal(repository, options);
  const to = resolve(options.to);
  prepareFolder(to, 0o700);
  let count = 0;
  const put = (name, bytes) => {
    const descriptor = fs.openSync(join(to, name), "wx", 0o600);
    try {
      writeFully(descriptor, bytes, 0);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    count++;
  };
  for (const timeline of list(repository, place)) {
    if (options.timeline !== undefined && Number.parseInt(timeline, 16) !== Number(options.timeline)) continue;
    const folder = `${place}${timeline}/`;
    const names = list(repository, folder);
    const from = options.from ?? "";
    for (const name of names.filter((one) => one !== "partial")) {
      const isSegment = /^[0-9A-F]{24}$/.test(name);
      if (isSegment && name < from) continue;
      const read = isSegment
        ? (key) => readIndexed(repository, key, `${folder}${name}`, "whole")
        : (key) => readWalFile(repository, key, `${folder}${name}`);
      put(name, onlyOne(name, keysFor(repository, `${folder}${name}`).map(read)));
    }
    if (options.partial !== true) continue;
    for (const segment of list(repository, `${folder}partial`)) {
      if (names.includes(segment) || segment < from) continue;
      const archived = keysFor(repository, `${folder}partial/${segment}/archived`);
      const bytes =
        joinWalPieces(repository, folder, segment) ??
        onlyOne(
          segment,
          archived.map((key) => readIndexed(repository, key, `${folder}${segment}`, "archived")),
        );
      put(`${segment}.partial`, bytes);
    }
  }
  syncFolder(to);
  say(`Put ${count} files of WAL into ${to}, every guard right.`);
  return 0;
}

function chooseWal(repository, { server: wanted, system }) {
  const known = list(repository, "").filter((name) => /^[a-z0-9][a-z0-9_-]*$/.test(name) && name !== "keys");
  const places = known.flatMap((server) =>
    list(repository, server)
      .filter((name) => /^[0-9]+$/.test(name))
      .map((id) => ({ server, id })),
  );
  const named = wanted === undefined ? [] : catalogOf(repository).filter(({ name }) => name === wanted);
  const found = places.filter(
    ({ server, id }) =>
      (wanted === undefined || server === wanted || named.some((one) => one.server === server)) &&
      (system === undefined || system === id),
  );
  if (found.length === 1) return `${found[0].server}/${found[0].id}/wal/`;
  const all = places.map(({ server, id }) => `${id} of ${server}`).join(", ");
  throw new UsageProblem(`--server and --system must name one; there is WAL of: ${all === "" ? "none" : all}`);
}

/** Argon2 came with Node.js 24.7; an older one would fail in the middle. */
function requireNode() {
  if (crypto.argon2Sync !== undefined && zlib.zstdDecompressSync !== undefined) return;
  throw new Problem(`this is Node.js ${process.version}; 24.7 or later is needed`);
}

/** Runs one command; gives the exit code. `say` and `complain` take lines. */
export function main(args, say = console.log, complain = console.error) {
  try {
    requireNode();
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        repository: { type: "string" },
        "key-file": { type: "string" },
        "passphrase-file": { type: "string" },
        "slot-file": { type: "string", multiple: true },
        server: { type: "string" },
        backup: { type: "string" },
        to: { type: "string" },
        tablespace: { type: "string", multiple: true },
        "keep-signal-files": { type: "boolean" },
        json: { type: "boolean" },
        system: { type: "string" },
        timeline: { type: "string" },
        from: { type: "string" },
        partial: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    const [command, ...more] = positionals;
    if (values.help) {
      say(help);
      return 0;
    }
    if (more.length > 0) throw new UsageProblem(`${more.join(" ")} is too much`);
    if (command === "list") return runList(values, say);
    if (command === "restore") return runRestore(values, say);
    if (command === "wal") return runWal(values, say);
    throw new UsageProblem(command === undefined ? "list, restore or wal?" : `${command} is no command of this script`);
  } catch (error) {
    const isUsage = error instanceof UsageProblem || String(error.code).startsWith("ERR_PARSE_ARGS");
    complain(isUsage ? `${error.message}\nSee --help.` : `Failed: ${error.message}`);
    return isUsage ? 2 : 1;
  }
}

// A file that is imported (by the tests) does nothing by itself.
const started = process.argv[1];
if (started !== undefined && fs.realpathSync(started) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
