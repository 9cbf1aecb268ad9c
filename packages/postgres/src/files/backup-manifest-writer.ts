import { createHash, type Hash } from "node:crypto";
import type { ManifestChecksum, ManifestFile, ManifestWalRange } from "./backup-manifest.ts";
import { formatLsn } from "./lsn.ts";

/**
 * Writes a genuine `backup_manifest` piece by piece: byte for byte the layout of the server's own
 * (src/backend/backup/backup_manifest.c), with no key a stock pg_verifybackup does not know.
 *
 * Call `begin` once, `file` for each file, `end` once; write out what each returns, in order.
 */
export class BackupManifestWriter {
  readonly #hash: Hash = createHash("sha256");
  #isFirstFile = true;

  /** Version 2 (17+) names the system; version 1 (13–16) must not. */
  begin(head: { readonly version: 1 } | { readonly version: 2; readonly systemIdentifier: bigint }): Uint8Array {
    const identifier = head.version === 2 ? `"System-Identifier": ${head.systemIdentifier},\n` : "";
    return this.#emit(`{ "PostgreSQL-Backup-Manifest-Version": ${head.version},\n${identifier}"Files": [`);
  }

  file(file: ManifestFile): Uint8Array {
    const parts = [encodePath(file.path), `"Size": ${file.sizeBytes}`];
    if (file.modifiedAt !== null) parts.push(`"Last-Modified": "${formatTime(file.modifiedAt)}"`);
    if (file.checksum !== null) {
      parts.push(`"Checksum-Algorithm": "${file.checksum.algorithm}"`, `"Checksum": "${checksumHex(file.checksum)}"`);
    }
    const separator = this.#isFirstFile ? "\n" : ",\n";
    this.#isFirstFile = false;
    return this.#emit(`${separator}{ ${parts.join(", ")} }`);
  }

  /** The WAL ranges and the checksum over everything before it. */
  end(walRanges: readonly ManifestWalRange[]): Uint8Array {
    const ranges = walRanges.map(
      ({ timeline, startLsn, endLsn }) =>
        `{ "Timeline": ${timeline}, "Start-LSN": "${formatLsn(startLsn)}", "End-LSN": "${formatLsn(endLsn)}" }`,
    );
    const body = this.#emit(`\n],\n"WAL-Ranges": [\n${ranges.join(",\n")}\n],\n`);
    return Buffer.concat([body, Buffer.from(`"Manifest-Checksum": "${this.#hash.digest("hex")}"}\n`, "utf8")]);
  }

  #emit(text: string): Uint8Array {
    const bytes = Buffer.from(text, "utf8");
    this.#hash.update(bytes);
    return bytes;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Like the server: as text when the name is UTF-8, as hex digits otherwise. */
function encodePath(path: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(path);
  } catch {
    return `"Encoded-Path": "${Buffer.from(path).toString("hex")}"`;
  }
  return `"Path": ${JSON.stringify(text)}`;
}

/** The server prints the four bytes as they lie in its memory: little-endian on every platform we serve. */
function checksumHex(checksum: ManifestChecksum): string {
  if (checksum.algorithm !== "CRC32C") return checksum.hex;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(checksum.crc32c);
  return bytes.toString("hex");
}

function formatTime(time: Date): string {
  const iso = time.toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} GMT`;
}
