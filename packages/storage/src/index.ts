export {
  type Fault,
  type FaultEffect,
  type FaultPlan,
  type FaultyOperation,
  FaultyStore,
} from "./faulty-store.ts";
export { FilesystemStore, type FilesystemStoreOptions } from "./filesystem-store.ts";
export { type FilesystemWriteStep, filesystemWriteSteps } from "./filesystem-write.ts";
export { MemoryStore } from "./memory-store.ts";
export { assertObjectKey } from "./object-key.ts";
export type {
  GetOptions,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
} from "./object-store.ts";
export { openStore } from "./open-store.ts";
export type { Pause } from "./pause.ts";
export { ReadOnlyStore } from "./read-only-store.ts";
export { RetryingStore, type RetryOptions } from "./retrying-store.ts";
export { StoreWrapper } from "./store-wrapper.ts";
export { ThrottledStore, type ThrottleOptions } from "./throttled-store.ts";
