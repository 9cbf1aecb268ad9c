/** Settings of a server that one that replays its WAL must not undercut, else its recovery stops. */
export interface ServerLimits {
  readonly maxConnections: number;
  readonly maxWorkerProcesses: number;
  readonly maxWalSenders: number;
  readonly maxPreparedTransactions: number;
  readonly maxLocksPerTransaction: number;
}

/** The higher of each. */
export function higherLimits(left: ServerLimits, right: ServerLimits | null): ServerLimits {
  const most = (name: keyof ServerLimits) => Math.max(left[name], right?.[name] ?? 0);
  return {
    maxConnections: most("maxConnections"),
    maxWorkerProcesses: most("maxWorkerProcesses"),
    maxWalSenders: most("maxWalSenders"),
    maxPreparedTransactions: most("maxPreparedTransactions"),
    maxLocksPerTransaction: most("maxLocksPerTransaction"),
  };
}
