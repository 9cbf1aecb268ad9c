import { AppError, type ErrorCode, systemErrorCode } from "@tidemark/kit";

interface Meaning {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: string;
}

/** What the system's error names (errno) mean for a store. What is not listed is `storage-failed`. */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: { code: "storage-full", why: "no space is left", hint: "free space or enlarge the file system" },
  EDQUOT: { code: "storage-full", why: "the quota is used up", hint: "raise the quota or free space" },
  EFBIG: { code: "storage-full", why: "the file would be larger than allowed", hint: "raise the file size limit" },
  EROFS: { code: "repository-read-only", why: "it is mounted read-only", hint: "mount it for writing" },
  EACCES: { code: "storage-denied", why: "permission is denied", hint: "check owner and mode of the folder" },
  EPERM: { code: "storage-denied", why: "the operation is not permitted", hint: "check owner, mode and attributes" },
  ESTALE: { code: "storage-unreachable", why: "the mount is stale", hint: "check the mount" },
  ENOTCONN: { code: "storage-unreachable", why: "the mount is not connected", hint: "check the mount" },
  ENODEV: { code: "storage-unreachable", why: "the device is gone", hint: "check the device" },
  ENXIO: { code: "storage-unreachable", why: "the device is gone", hint: "check the device" },
  ETIMEDOUT: { code: "storage-unreachable", why: "it did not answer in time", hint: "check the mount" },
  EHOSTDOWN: { code: "storage-unreachable", why: "its host is down", hint: "check the file server" },
  EHOSTUNREACH: { code: "storage-unreachable", why: "its host cannot be reached", hint: "check the network" },
  ENAMETOOLONG: { code: "bad-request", why: "the name is too long", hint: "use a shorter path" },
};

/** Wraps what Node's file functions throw, once, where it enters. What is no system error (a body that failed, ours) passes unchanged. */
export function filesystemError(error: unknown, act: string, path: string): unknown {
  const name = systemErrorCode(error);
  if (error instanceof AppError || name === undefined) return error;
  const meaning = meanings[name];
  const why = meaning?.why ?? (error instanceof Error ? error.message : String(error));
  return new AppError(meaning?.code ?? "storage-failed", {
    message: `could not ${act} ${path}: ${why}`,
    hint: meaning?.hint ?? "check the disk and the system's log; what was stored before is untouched",
    context: { path },
    cause: error,
  });
}

/** Whether the error is one of these errno names. */
export function isErrno(error: unknown, ...names: readonly string[]): boolean {
  const code = systemErrorCode(error);
  return code !== undefined && names.includes(code);
}
