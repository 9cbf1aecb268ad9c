import { systemClock } from "@tidemark/kit";
import { keepEverything } from "@tidemark/policy";
import { parseDsn, ReplicationSession, SqlSession } from "@tidemark/postgres";
import { openRepository } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import type { ActControl } from "./act.ts";
import { createBackupEncoder } from "./backup/backup-encoder.ts";
import type { BackupSource } from "./backup/backup-source.ts";
import { takeBackup } from "./backup/take-backup.ts";
import { executeCopies, planCopies } from "./copies/copy-backups.ts";
import { healPacks } from "./copies/heal-packs.ts";
import { collectGarbage, executeExpiry, planExpiry } from "./expiry/expire.ts";
import { executeWalExpiry, planWalExpiry } from "./expiry/expire-wal.ts";
import { executeRestore } from "./restore/execute-restore.ts";
import { planRestore } from "./restore/plan-restore.ts";
import { verifyBackup } from "./verify/verify-backup.ts";

/**
 * One act in a process of its own that ends itself with SIGKILL when it reaches a named step (killed.int.test.ts).
 * The order is the first argument, as JSON.
 */
export interface KilledOrder {
  readonly act: "backup" | "file-backup" | "restore" | "expiry" | "verify" | "copies" | "heal";
  readonly step: string;
  readonly repository: string;
  readonly dsn: string;
  readonly backupId: string;
  readonly target: string;
  /** A restore over what is there. */
  readonly delta?: boolean;
  /** To the end of the WAL, which is copied. */
  readonly recover?: boolean;
  /** Where the source's one tablespace is; it goes to `<target>-fast`. Null: it has none. */
  readonly tablespace: string | null;
}

const copied = { wal: "copy", fetch: null } as const;
const order = JSON.parse(process.argv[2] ?? "") as KilledOrder;
const dieAt = (step: string) => {
  if (step === order.step) process.kill(process.pid, "SIGKILL");
};
const repository = await openRepository(new FilesystemStore(order.repository), { onStep: dieAt });
const area = repository.area("srv_test");
const control: ActControl = { signal: new AbortController().signal, emit: () => undefined, onStep: dieAt };
const deps = { area, clock: systemClock };

if (order.act === "backup" || order.act === "file-backup") {
  const source: BackupSource =
    order.act === "backup"
      ? { kind: "stream", connect: (signal) => ReplicationSession.connect(parseDsn(order.dsn), { signal }) }
      : {
          kind: "files",
          connectSql: (signal) => SqlSession.connect(parseDsn(order.dsn), { signal }),
          readers: 2,
          dataDirectory: null,
        };
  const request = { backupId: order.backupId, serverName: "test", label: "killed", checkpoint: "fast" as const };
  const encoder = createBackupEncoder({ threads: 1 });
  await takeBackup(
    { ...deps, source, encoder },
    { ...request, maxRateKib: null, systemIdentifierChangeConfirmed: false },
    control,
  );
  await encoder.close();
}
if (order.act === "restore") {
  const request = {
    backupId: order.backupId === "" ? null : order.backupId,
    targetDirectory: order.target,
    tablespaces: order.tablespace === null ? [] : [{ from: order.tablespace, to: `${order.target}-fast` }],
    owner: null,
    recovery:
      order.recover === true
        ? ({ target: { kind: "latest" }, timeline: "latest", action: "promote", asStandby: false, ...copied } as const)
        : null,
  };
  await executeRestore(
    deps,
    await planRestore(
      deps,
      { ...request, keepSignalFiles: false, allowedRoots: null, delta: order.delta === true, databases: null },
      control.signal,
    ),
    control,
  );
}
if (order.act === "expiry") {
  await executeExpiry(deps, await planExpiry(deps, { ...keepEverything, keepLast: 1 }), control);
  await executeWalExpiry(deps, await planWalExpiry(deps, { windowDays: null }, control.signal), control);
  // A pack goes in the second pass, a grace period after the first.
  for (const days of [0, 30]) {
    const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + days * 86_400_000) };
    await collectGarbage({ area, clock }, { graceMs: 60_000, runningBackupIds: [] }, control);
  }
}
if (order.act === "verify") {
  await verifyBackup(deps, { backupId: order.backupId, tier: "whole", subset: null, by: "test" }, control);
}
if (order.act === "copies" || order.act === "heal") {
  const other = await openRepository(new FilesystemStore(order.target));
  const second = other.area("srv_test");
  const copying = { source: area, target: second, clock: systemClock };
  if (order.act === "heal") await healPacks({ damaged: area, copies: second, clock: systemClock }, control);
  else await executeCopies(copying, await planCopies(copying, { backupId: null, skipIds: [] }), control);
  await other.close();
}
await repository.close();
process.stdout.write("survived\n");
