/** How the files of a backup come, as commands say it. */
export const backupMethods = ["stream", "read-files", "local-files"] as const;
export type BackupMethod = (typeof backupMethods)[number];

export const backupMethodText =
  "stream: BASE_BACKUP; read-files: the server reads them for us; local-files: the worker reads them, on the server's own machine only";

/** `read-files` as GraphQL takes it: `READ_FILES`. */
export function methodInput(method: BackupMethod): string {
  return method.toUpperCase().replaceAll("-", "_");
}
