import { AppError } from "@tidemark/kit";
import type { Capabilities } from "../session/capabilities.ts";
import { quoteLiteral } from "../wire/frontend-messages.ts";
import type { BaseBackupOptions } from "./base-backup-events.ts";

/** An option in both spellings; null where a spelling has nothing to say. */
interface OptionSpelling {
  readonly bare: string | null;
  readonly parenthesised: string | null;
}

/**
 * The BASE_BACKUP command for a major (PostgreSQL manual, "Streaming Replication Protocol").
 *
 * Always: do not wait for the archiver (it may never come; what the backup needs is proved otherwise), do not let the
 * server verify checksums (it would fail the whole backup; pages are checked as they pass), a CRC32C manifest (SHA-256
 * costs the server four fifths of its speed), and a tablespace_map instead of symbolic links.
 *
 * @throws AppError `bad-request` for options a server would refuse.
 */
export function baseBackupCommand(options: BaseBackupOptions, capabilities: Capabilities): string {
  assertOptions(options);
  if (options.incremental !== undefined && !capabilities.canBackUpIncrementally) {
    throw new AppError("version-unsupported", {
      message: `PostgreSQL ${capabilities.major} has no incremental backups; they came with 17`,
    });
  }
  const label = `LABEL ${quoteLiteral(options.label)}`;
  const rate = options.maxRateKib === undefined ? null : `MAX_RATE ${options.maxRateKib}`;
  const spellings: readonly OptionSpelling[] = [
    { bare: label, parenthesised: label },
    { bare: options.progress ? "PROGRESS" : null, parenthesised: options.progress ? "PROGRESS" : null },
    { bare: options.checkpoint === "fast" ? "FAST" : null, parenthesised: `CHECKPOINT '${options.checkpoint}'` },
    { bare: options.includeWal ? "WAL" : null, parenthesised: options.includeWal ? "WAL" : null },
    { bare: "NOWAIT", parenthesised: "WAIT 0" },
    { bare: rate, parenthesised: rate },
    { bare: "TABLESPACE_MAP", parenthesised: "TABLESPACE_MAP" },
    { bare: "NOVERIFY_CHECKSUMS", parenthesised: "VERIFY_CHECKSUMS 0" },
    { bare: "MANIFEST 'yes'", parenthesised: "MANIFEST 'yes'" },
    { bare: "MANIFEST_CHECKSUMS 'CRC32C'", parenthesised: "MANIFEST_CHECKSUMS 'CRC32C'" },
    { bare: null, parenthesised: options.incremental === undefined ? null : "INCREMENTAL" },
  ];
  const syntax = capabilities.baseBackupSyntax;
  const words = spellings.map((spelling) => spelling[syntax]).filter((word) => word !== null);
  return syntax === "bare" ? `BASE_BACKUP ${words.join(" ")}` : `BASE_BACKUP (${words.join(", ")})`;
}

/** src/backend/backup/basebackup.c: MAX_RATE_LOWER, MAX_RATE_UPPER; the label is cut by the server at MAXPGPATH. */
function assertOptions(options: BaseBackupOptions): void {
  const rate = options.maxRateKib;
  if (rate !== undefined && (!Number.isInteger(rate) || rate < 32 || rate > 1_048_576)) {
    throw new AppError("bad-request", { message: `a rate of ${rate} KiB/s is not between 32 and 1,048,576` });
  }
  // A line end in the label would end its line in backup_label, which recovery reads.
  if (/[\0\r\n]/.test(options.label) || Buffer.byteLength(options.label) > 1_024) {
    throw new AppError("bad-request", { message: "a backup's label is one line of at most 1,024 bytes" });
  }
}
