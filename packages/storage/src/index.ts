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
  AppendableObject,
  AppendOptions,
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectFacts,
  ObjectLock,
  ObjectStore,
  PutOptions,
  StoreCapabilities,
} from "./object-store.ts";
export { assertStoreUrl, needsStoreCredentials, type OpenStoreOptions, openStore } from "./open-store.ts";
export type { Pause } from "./pause.ts";
export { ReadOnlyStore } from "./read-only-store.ts";
export type { RetryOptions } from "./remote/retry-passing.ts";
export { RetryingStore } from "./retrying-store.ts";
export type { RemoteTimeouts } from "./s3/s3-connection.ts";
export {
  parseStoreCredentials,
  type StoreCredentials,
  storeCredentialsOfEnvironment,
  storeCredentialVariables,
} from "./store-credentials.ts";
export { isStoreTrouble } from "./store-trouble.ts";
export { passAppendable, StoreWrapper } from "./store-wrapper.ts";
export { ThrottledStore, type ThrottleOptions } from "./throttled-store.ts";
