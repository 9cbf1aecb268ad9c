export type {
  BackupConfiguration,
  BackupEnvironment,
  BackupMethod,
  ConfigurationFileCopy,
} from "./backup-surroundings.ts";
export { formatVersion, frameBytes } from "./format.ts";
export {
  encodeFrame,
  type Fingerprinter,
  loadFingerprinter,
  type OpenFrameJob,
  type OpenFrameOutcome,
  openFrame,
} from "./frame-kernel.ts";
export { FramePool, type FramePoolOptions } from "./frame-pool.ts";
export { defaultPassphraseCost, type PassphraseCost } from "./key-derivation.ts";
export {
  type CreateRepositoryOptions,
  createRepository,
  type OpenRepositoryOptions,
  openRepository,
  type RepositoryOptions,
} from "./open-repository.ts";
export { walPrefix } from "./paths.ts";
export { type RecoveryKitOptions, recoveryKit } from "./recovery-kit.ts";
export { releaseBytes } from "./release-bytes.ts";
export { isRepository, type RepositoryDocument, type RepositoryPresence } from "./repository-document.ts";
export { newRepositoryKey, parseKeyFile } from "./repository-key.ts";
export { serveFrames } from "./serve-frames.ts";
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
