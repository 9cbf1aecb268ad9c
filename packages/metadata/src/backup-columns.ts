import type {
  BackupChange,
  BackupFactsRow,
  BackupRow,
  BackupState,
  CoverageRow,
  ProofRow,
  VerificationRow,
} from "./backup-store.ts";
import type { Prisma } from "./generated/client.ts";
import { plainJson, toJsonColumn } from "./json.ts";
import { lsnFromColumn, lsnToColumn } from "./lsn-column.ts";

export const backupColumns = {
  id: true,
  serverId: true,
  repositoryId: true,
  runId: true,
  state: true,
  damageDetail: true,
  label: true,
  startedAt: true,
  finishedAt: true,
  startLsn: true,
  stopLsn: true,
  timeline: true,
  serverVersion: true,
  systemIdentifier: true,
  checksumsEnabled: true,
  fromStandby: true,
  fileCount: true,
  sizeBytes: true,
  readBytes: true,
  storedBytes: true,
  referencedBytes: true,
  carriedBytes: true,
  newBytes: true,
  zeroBytes: true,
  sentBytes: true,
  reading: true,
  trust: true,
  places: true,
  coverage: true,
  walStart: true,
  walEnd: true,
  tablespaces: true,
  suspectPages: true,
  notes: true,
  files: true,
  verifiedAt: true,
  verification: true,
  provenAt: true,
  proof: true,
  holdBy: true,
  holdAt: true,
  holdReason: true,
  note: true,
  retentionReasons: true,
  deletedAt: true,
  deletedReason: true,
  errorCode: true,
  errorMessage: true,
  errorHint: true,
  mirroredAt: true,
  createdAt: true,
} satisfies Prisma.BackupSelect;

type Columns = Prisma.BackupGetPayload<{ select: typeof backupColumns }>;

export function toBackup(columns: Columns): BackupRow {
  const { holdBy, holdAt, holdReason, errorCode, errorMessage, errorHint, ...rest } = columns;
  return {
    ...rest,
    // The check of the table admits no others; JSON columns are written by `backupData` alone.
    state: columns.state as BackupState,
    startLsn: lsnFromColumn(columns.startLsn),
    stopLsn: lsnFromColumn(columns.stopLsn),
    tablespaces: columns.tablespaces as unknown as BackupFactsRow["tablespaces"],
    suspectPages: columns.suspectPages as unknown as BackupFactsRow["suspectPages"],
    notes: columns.notes as unknown as readonly string[],
    files: columns.files as unknown as BackupFactsRow["files"],
    reading: columns.reading as unknown as BackupFactsRow["reading"],
    trust: columns.trust as unknown as BackupFactsRow["trust"],
    places: columns.places as unknown as BackupFactsRow["places"],
    coverage: columns.coverage as unknown as CoverageRow | null,
    verification: columns.verification as unknown as VerificationRow | null,
    proof: columns.proof as unknown as ProofRow | null,
    retentionReasons: columns.retentionReasons as unknown as readonly string[],
    hold:
      holdBy === null || holdAt === null || holdReason === null ? null : { by: holdBy, at: holdAt, reason: holdReason },
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? errorCode, hint: errorHint },
  };
}

/** The columns a change writes; what it leaves out is not among them. */
export function backupData(change: BackupChange): Prisma.BackupUncheckedUpdateManyInput {
  const { hold, error, tablespaces, suspectPages, notes, files, verification, proof, retentionReasons, ...plain } =
    change;
  const { startLsn, stopLsn, reading, trust, places, coverage, ...columns } = plain;
  return {
    ...columns,
    ...(startLsn === undefined ? {} : { startLsn: lsnToColumn(startLsn) }),
    ...(stopLsn === undefined ? {} : { stopLsn: lsnToColumn(stopLsn) }),
    ...(tablespaces === undefined ? {} : { tablespaces: plainJson(tablespaces) }),
    ...(suspectPages === undefined
      ? {}
      : { suspectPages: plainJson(suspectPages), suspectPageCount: countPages(suspectPages) }),
    ...(notes === undefined ? {} : { notes: plainJson(notes) }),
    ...(files === undefined ? {} : { files: toJsonColumn(files) }),
    ...(reading === undefined ? {} : { reading: toJsonColumn(reading) }),
    ...(trust === undefined ? {} : { trust: toJsonColumn(trust) }),
    ...(places === undefined ? {} : { places: toJsonColumn(places) }),
    ...(coverage === undefined ? {} : { coverage: toJsonColumn(coverage) }),
    ...(verification === undefined ? {} : { verification: toJsonColumn(verification) }),
    ...(proof === undefined ? {} : { proof: toJsonColumn(proof) }),
    ...(retentionReasons === undefined ? {} : { retentionReasons: plainJson(retentionReasons) }),
    ...(hold === undefined
      ? {}
      : { holdBy: hold?.by ?? null, holdAt: hold?.at ?? null, holdReason: hold?.reason ?? null }),
    ...(error === undefined
      ? {}
      : { errorCode: error?.code ?? null, errorMessage: error?.message ?? null, errorHint: error?.hint ?? null }),
  };
}

/** Newest first by start; ids break ties in the order of making. */
export const newestBackupFirst = [
  { startedAt: "desc" },
  { id: "desc" },
] satisfies Prisma.BackupOrderByWithRelationInput[];

function countPages(suspectPages: BackupFactsRow["suspectPages"]): number {
  return suspectPages.reduce((count, file) => count + file.blocks.length, 0);
}
