// What every process loads. What brings a library that few need has a door of its own: `./logger`, `./sealed-text`,
// `./settings`. The start of a process is most of a short command.
export {
  AppError,
  type AppErrorOptions,
  describeError,
  type ErrorContext,
  type ErrorDescription,
  joinCleanup,
  systemErrorCode,
} from "./app-error.ts";
export { assertNever } from "./assert-never.ts";
export { boundedMemory } from "./bounded-memory.ts";
export { canonicalJson, hashValue, type JsonValue, toJsonValue } from "./canonical-json.ts";
export { type Clock, systemClock } from "./clock.ts";
export { combineCrc32c, crc32c, crc32cOfPages, crc32cOfZeros } from "./crc32c.ts";
export { type Blame, type ErrorCode, errorCodes, isErrorCode, type RetryAdvice } from "./error-codes.ts";
export { type IdKind, idKind, idPrefixes, idTime, newId } from "./ids.ts";
export type { Logger } from "./logger.ts";
export { makeFolders } from "./make-folders.ts";
export { maskSecrets } from "./mask-secrets.ts";
export { identifyProcess, isProcessAlive, type ProcessIdentity } from "./process-identity.ts";
export { Secret } from "./secret.ts";
export { formatAge, formatBytes, formatDuration, formatShare, formatShares, parseDuration } from "./units.ts";
