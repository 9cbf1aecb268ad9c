export { keepHeapSmall } from "./bytes/keep-heap-small.ts";
export { releaseBytes } from "./bytes/release-bytes.ts";
export type { AreaUsage, PackUsage } from "./collection/area-usage.ts";
export {
  chooseEvacuation,
  defaultEvacuationLimits,
  type Evacuation,
  type EvacuationLimits,
} from "./collection/choose-evacuation.ts";
export type { InterruptedBackup, InterruptedQuestion } from "./collection/interrupted.ts";
export type { PackHold } from "./collection/pack-hold.ts";
export type {
  DamagedPack,
  PackVerification,
  VerificationFact,
  VerifiedTier,
} from "./collection/verification.ts";
export {
  type CopiedBackup,
  type CopyBackup,
  type CopyNeed,
  copyBackup,
  copyMarks,
  surveyCopy,
} from "./copies/copy-backup.ts";
export { type CopiedWal, type CopyWal, copyWal, type WalCopyReport } from "./copies/copy-wal.ts";
export { describeFailover } from "./copies/describe-failover.ts";
export { type FailoverNote, type FailoverOptions, failoverArea } from "./copies/failover-area.ts";
export { type FailoverWalOptions, failoverWal } from "./copies/failover-wal.ts";
export { healManifest, unfinishedHealings } from "./copies/heal-manifest.ts";
export { type HealedPack, healPack } from "./copies/heal-pack.ts";
export { formatVersion, frameBytes } from "./format.ts";
export { defaultPassphraseCost, type PassphraseCost } from "./keys/key-derivation.ts";
export { keyOwnerText, keyPlanHash } from "./keys/opened-keys.ts";
export type { RecoveryKitOptions } from "./keys/recovery-kit.ts";
export { recoveryKitPage } from "./keys/recovery-kit-page.ts";
export { recoveryKit } from "./keys/recovery-kit-text.ts";
export { newRepositoryKey, parseKeyFile, repositoryKeyFromText } from "./keys/repository-key.ts";
export type {
  KeyChange,
  KeyOwner,
  KeyRotationPlan,
  KeySlot,
  KeySlots,
  NewKeyOwner,
  RepositoryKeys,
  SlotKind,
  SlotRemovalPlan,
} from "./keys/repository-keys.ts";
export type { BackupReading, BackupWalRange } from "./manifests/backup-reading.ts";
export type {
  BackupConfiguration,
  BackupEnvironment,
  BackupMethod,
  ConfigurationFileCopy,
} from "./manifests/backup-surroundings.ts";
export type { TrustFinding } from "./manifests/trust-finding.ts";
export type { YoungPages } from "./manifests/young-pages.ts";
export {
  type CreateRepositoryOptions,
  createRepository,
  type OpenRepositoryOptions,
  openRepository,
  type RepositoryOptions,
} from "./open-repository.ts";
export { encodeFrame, type Fingerprinter, loadFingerprinter } from "./packs/frame-kernel.ts";
export { FramePool, type FramePoolOptions } from "./packs/frame-pool.ts";
export { type OpenFrameJob, type OpenFrameOutcome, openFrame } from "./packs/open-frame.ts";
export { serveFrames } from "./packs/serve-frames.ts";
export { walPrefix } from "./paths.ts";
export { isRepository, type RepositoryDocument, type RepositoryPresence } from "./repository-document.ts";
export {
  type BoxCompression,
  type CompressionSetting,
  compressionText,
  defaultCompression,
  parseCompression,
} from "./seal/compression.ts";
export { type OnStep, type RepositoryStep, repositorySteps } from "./steps.ts";
export type {
  BackupCounts,
  BackupFacts,
  BackupWriter,
  BeginBackup,
  CollectionOptions,
  CollectionPlan,
  CollectionReport,
  Extent,
  ExtentRows,
  FileRange,
  FileResult,
  FileWriter,
  FrameEncoder,
  FrameInspector,
  FrameJob,
  FrameOutcome,
  FramePart,
  FrameSealing,
  FrameSource,
  ManifestEntry,
  ManifestFile,
  ManifestFileRows,
  ManifestFileSummary,
  ManifestReader,
  ManifestRows,
  Mark,
  MarkKind,
  NewFile,
  NewMark,
  OpenedFrame,
  PackDescription,
  ParentExtents,
  PartOutcome,
  PartSeals,
  PatchedFile,
  ReadableFile,
  Repository,
  RepositoryKey,
  ServerArea,
  StoredBackup,
  StoredFrame,
  StoredRange,
  SuspectPages,
  WholeFileWriter,
} from "./types.ts";
export type {
  BeginSegment,
  ListWal,
  PutSegmentOptions,
  ReadWal,
  RemoveWal,
  WalArchive,
  WalCommit,
  WalContradiction,
  WalEntry,
  WalEntryKind,
  WalPartial,
  WalRemoval,
  WalRestorePoint,
  WalSegmentDescription,
  WalSegmentFacts,
  WalSegmentPlace,
  WalSegmentWriter,
} from "./wal/wal-archive.ts";
export { parseWalName, segmentName, segmentStart, type WalName } from "./wal/wal-names.ts";
