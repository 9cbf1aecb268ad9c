import { randomBytes } from "node:crypto";
import { type Clock, newId, systemClock } from "@tidemark/kit";
import { parseDsn, ReplicationSession, SqlSession } from "@tidemark/postgres";
import {
  createRepository,
  type FrameEncoder,
  newRepositoryKey,
  type OnStep,
  type Repository,
  type ServerArea,
  type StoredBackup,
} from "@tidemark/repository";
import { FilesystemStore, type ObjectStore } from "@tidemark/storage";
import { postgresCacheDir, type TempDir, tempDir } from "@tidemark/testkit";
import type { ActControl, ActEvent, StepName } from "./act.ts";
import { createBackupEncoder } from "./backup/backup-encoder.ts";
import type { BackupSource } from "./backup/backup-source.ts";
import { type BackupRequest, takeBackup } from "./backup/take-backup.ts";
import type { DrillReport } from "./drill/drill-report.ts";
import { type DrillRequest, runDrill } from "./drill/run-drill.ts";
import { executeRestore, type RestoreReport } from "./restore/execute-restore.ts";
import { planRestore, type RestorePlan, type RestoreRequest } from "./restore/plan-restore.ts";
import { type VerifyRequest, verifyBackup } from "./verify/verify-backup.ts";
import type { VerifyReport } from "./verify/verify-types.ts";

/** For tests: a repository in a folder, an encoder, and the acts on one server's area with little to say. */
export interface EngineRig extends AsyncDisposable {
  readonly dir: TempDir;
  readonly store: ObjectStore;
  readonly area: ServerArea;
  readonly encoder: FrameEncoder;
  readonly events: ActEvent[];
  control(options?: {
    readonly signal?: AbortSignal;
    readonly onStep?: (step: StepName) => void | Promise<void>;
  }): ActControl;
  backup(dsn: string, request?: Partial<BackupRequest>, control?: ActControl): Promise<StoredBackup>;
  /** From any source; see `streamFrom` and `filesFrom`. */
  backupFrom(source: BackupSource, request?: Partial<BackupRequest>, control?: ActControl): Promise<StoredBackup>;
  /** Whole, unless told otherwise. */
  verify(backupId: string, request?: Partial<VerifyRequest>): Promise<VerifyReport>;
  plan(request: Partial<RestoreRequest> & { readonly targetDirectory: string }): Promise<RestorePlan>;
  restore(plan: RestorePlan, control?: ActControl): Promise<RestoreReport>;
  drill(request?: Partial<DrillRequest>, control?: ActControl): Promise<DrillReport>;
}

/** With SQL to the same server, so that what changed can be asked for. */
export function streamFrom(dsn: string): BackupSource & { readonly kind: "stream" } {
  return {
    kind: "stream",
    connect: (signal) => ReplicationSession.connect(parseDsn(dsn), { signal }),
    connectSql: (signal) => SqlSession.connect(parseDsn(dsn), { signal }),
  };
}

/** Two readers, over SQL, unless told otherwise. */
export function filesFrom(
  dsn: string,
  how: Partial<BackupSource & { readonly kind: "files" }> = {},
): BackupSource & { readonly kind: "files" } {
  const connectSql = (signal: AbortSignal) => SqlSession.connect(parseDsn(dsn), { signal });
  return { kind: "files", connectSql, readers: 2, dataDirectory: null, ...how };
}

export async function engineRig(
  options: {
    readonly store?: ObjectStore;
    readonly onStep?: OnStep;
    readonly encrypted?: boolean;
    readonly clock?: Clock;
  } = {},
): Promise<EngineRig> {
  const dir = await tempDir("engine");
  const store = options.store ?? new FilesystemStore(dir.join("repository"));
  const encryption = options.encrypted === false ? ("none" as const) : newRepositoryKey(randomBytes);
  const repository: Repository = await createRepository(store, {
    encryption,
    ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
  });
  const area = repository.area("srv_test");
  const encoder = createBackupEncoder({ threads: 2 });
  const events: ActEvent[] = [];
  const deps = { area, clock: options.clock ?? systemClock };
  const rig: EngineRig = {
    dir,
    store,
    area,
    encoder,
    events,
    control: (how = {}) => ({
      signal: how.signal ?? new AbortController().signal,
      emit: (event) => events.push(event),
      onStep: how.onStep,
    }),
    backup: (dsn, request, control) => rig.backupFrom(streamFrom(dsn), request, control),
    backupFrom: (source, request = {}, control = rig.control()) => {
      const defaults = {
        backupId: newId("backup"),
        serverName: "test",
        label: "tidemark test",
        checkpoint: "fast" as const,
      };
      return takeBackup(
        { ...deps, source, encoder },
        { ...defaults, maxRateKib: null, systemIdentifierChangeConfirmed: false, ...request },
        control,
      );
    },
    verify: (backupId, request = {}) =>
      verifyBackup(deps, { backupId, tier: "whole", subset: null, by: "test", ...request }, rig.control()),
    plan: (request) => {
      const defaults = {
        backupId: null,
        tablespaces: [],
        owner: null,
        keepSignalFiles: false,
        allowedRoots: null,
        delta: false,
        databases: null,
      };
      return planRestore(deps, { ...defaults, ...request }, new AbortController().signal);
    },
    restore: (plan, control = rig.control()) => executeRestore(deps, plan, control),
    drill: (request = {}, control = rig.control()) => {
      const places = { scratchDir: dir.join("scratch"), postgresCacheDir: postgresCacheDir() };
      const defaults = {
        drillId: newId("run"),
        backupId: null,
        by: "test",
        checkBudgetMs: 60_000,
        startTimeoutMs: 60_000,
      };
      return runDrill({ ...deps, ...places }, { ...defaults, ...request }, control);
    },
    [Symbol.asyncDispose]: async () => {
      await encoder.close();
      await repository.close();
      await dir[Symbol.asyncDispose]();
    },
  };
  return rig;
}
