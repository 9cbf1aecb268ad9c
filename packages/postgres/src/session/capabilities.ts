import { AppError } from "@tidemark/kit";

/** What differs between the majors we serve, as facts. */
export interface Capabilities {
  readonly major: number;
  /** How BASE_BACKUP is spelt: bare words in any order, or a list in parentheses (the bare form went with 15). */
  readonly baseBackupSyntax: "bare" | "parenthesised";
  /** One COPY per archive and one for the manifest, or everything in one COPY with a type byte in each message. */
  readonly baseBackupCopies: "one-per-archive" | "single";
  /** READ_REPLICATION_SLOT exists. */
  readonly canReadReplicationSlot: boolean;
  readonly manifestVersion: 1 | 2;
  /** UPLOAD_MANIFEST and BASE_BACKUP's INCREMENTAL exist, and WAL summaries with them. */
  readonly canBackUpIncrementally: boolean;
}

/**
 * @throws AppError `version-unsupported` outside 13 … 18.
 */
export function capabilitiesOf(major: number): Capabilities {
  const known = byMajor.get(major);
  if (known !== undefined) return known;
  throw new AppError("version-unsupported", {
    message: `PostgreSQL ${major} is not supported: Tidemark serves 13 to 18`,
    hint:
      major > 18 ? "a newer Tidemark may know it" : "older majors get no fixes from the PostgreSQL project any more",
    context: { major },
  });
}

/** The majors we serve. */
export const supportedMajors: readonly number[] = [13, 14, 15, 16, 17, 18];

/** `18.4 (Debian …)`, `15beta2` → 18, 15. */
export function majorOf(versionText: string): number {
  const match = /^(\d+)/.exec(versionText);
  if (match === null)
    throw new AppError("version-unsupported", { message: `"${versionText}" is not a server version` });
  return Number(match[1]);
}

const until14 = {
  baseBackupSyntax: "bare",
  baseBackupCopies: "one-per-archive",
  canReadReplicationSlot: false,
} as const;
const from15 = { baseBackupSyntax: "parenthesised", baseBackupCopies: "single", canReadReplicationSlot: true } as const;

const byMajor: ReadonlyMap<number, Capabilities> = new Map([
  [13, { major: 13, ...until14, manifestVersion: 1, canBackUpIncrementally: false }],
  [14, { major: 14, ...until14, manifestVersion: 1, canBackUpIncrementally: false }],
  [15, { major: 15, ...from15, manifestVersion: 1, canBackUpIncrementally: false }],
  [16, { major: 16, ...from15, manifestVersion: 1, canBackUpIncrementally: false }],
  [17, { major: 17, ...from15, manifestVersion: 2, canBackUpIncrementally: true }],
  [18, { major: 18, ...from15, manifestVersion: 2, canBackUpIncrementally: true }],
]);
