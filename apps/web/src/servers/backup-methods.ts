export type BackupMethod = "STREAM" | "READ_FILES" | "LOCAL_FILES";

/** How the files of a backup come, in the order of choice. */
export const backupMethods: readonly {
  readonly value: BackupMethod;
  readonly title: string;
  readonly words: string;
}[] = [
  {
    value: "STREAM",
    title: "Stream",
    words: "Over the replication protocol. The role needs REPLICATION; right for nearly every server.",
  },
  {
    value: "READ_FILES",
    title: "Read files",
    words:
      "File by file over ordinary sessions, for servers where the replication protocol cannot be used. The role needs the functions for backups and for reading files: the Readiness tab has the script.",
  },
  {
    value: "LOCAL_FILES",
    title: "Local files",
    words:
      "From the file system, where worker and server share the machine and the worker may read the data directory.",
  },
];

export function methodTitle(method: BackupMethod): string {
  return backupMethods.find((one) => one.value === method)?.title ?? method;
}
