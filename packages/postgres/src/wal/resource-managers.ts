/** Numbers of the built-in resource managers; the same from 13 to 18 (src/include/access/rmgrlist.h). */
export const resourceManagers = {
  server: 0,
  transaction: 1,
  storage: 2,
  database: 4,
  relationMap: 7,
  standby: 8,
  heap2: 9,
  heap: 10,
} as const;

/** Info bits of the server's own records (XLOG_*, src/include/catalog/pg_control.h). */
export const serverInfo = {
  checkpointShutdown: 0x00,
  checkpointOnline: 0x10,
  switch: 0x40,
  backupEnd: 0x50,
  parameterChange: 0x60,
  restorePoint: 0x70,
  fullPageWritesChange: 0x80,
  endOfRecovery: 0x90,
  fullPageImageForHint: 0xa0,
  fullPageImage: 0xb0,
  overwriteContinuation: 0xd0,
  checkpointRedo: 0xe0,
} as const;

const names: readonly string[] = [
  ...["XLOG", "Transaction", "Storage", "CLOG", "Database", "Tablespace", "MultiXact", "RelMap", "Standby", "Heap2"],
  ...["Heap", "Btree", "Hash", "Gin", "Gist", "Sequence", "SPGist", "BRIN", "CommitTs", "ReplicationOrigin"],
  ...["Generic", "LogicalMessage"],
];

/** As pg_waldump calls it; extensions have numbers from 128 on (15+) and no names here. */
export function rmgrName(rmgr: number): string {
  return names[rmgr] ?? `custom${rmgr.toString().padStart(3, "0")}`;
}
