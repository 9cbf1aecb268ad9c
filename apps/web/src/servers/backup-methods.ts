export type BackupMethod = "STREAM" | "READ_FILES" | "LOCAL_FILES";

/** How the files of a backup come, in the order of choice. */
export const backupMethods: readonly {
  readonly method: BackupMethod;
  readonly title: string;
  readonly sentence: string;
}[] = [
  {
    method: "STREAM",
    title: "Stream",
    sentence: "Over the replication protocol. The role needs REPLICATION; right for nearly every server.",
  },
  {
    method: "READ_FILES",
    title: "Read files",
    sentence:
      "File by file over ordinary sessions, for servers where the replication protocol cannot be used. The role needs the functions for backups and for reading files: the Readiness tab has the script.",
  },
  {
    method: "LOCAL_FILES",
    title: "Local files",
    sentence:
      "From the file system, where worker and server share the machine and the worker may read the data directory.",
  },
];

export function methodTitle(method: BackupMethod): string {
  return backupMethods.find((one) => one.method === method)?.title ?? method;
}
