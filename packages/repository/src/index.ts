export { releaseBytes } from "./bytes/release-bytes.ts";
export { formatVersion, frameBytes } from "./format.ts";
export { defaultPassphraseCost, type PassphraseCost } from "./keys/key-derivation.ts";
export { type RecoveryKitOptions, recoveryKit } from "./keys/recovery-kit.ts";
export { newRepositoryKey, parseKeyFile } from "./keys/repository-key.ts";
export type {
  BackupConfiguration,
  BackupEnvironment,
  BackupMethod,
  ConfigurationFileCopy,
} from "./manifests/backup-surroundings.ts";
export {
  type CreateRepositoryOptions,
  createRepository,
  type OpenRepositoryOptions,
  openRepository,
  type RepositoryOptions,
} from "./open-repository.ts";
export {
  encodeFrame,
  type Fingerprinter,
  loadFingerprinter,
  type OpenFrameJob,
  type OpenFrameOutcome,
  openFrame,
} from "./packs/frame-kernel.ts";
export { FramePool, type FramePoolOptions } from "./packs/frame-pool.ts";
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
  ManifestReader,
  Mark,
  MarkKind,
  NewFile,
  NewMark,
  OpenedFrame,
  PartOutcome,
  Repository,
  RepositoryKey,
  ServerArea,
  StoredBackup,
  SuspectPages,
} from "./types.ts";
