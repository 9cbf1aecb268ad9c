/** Acts of ours as a worker performs them: the repository is opened for each, and closed after it. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ActControl,
  type BackupSource,
  createBackupEncoder,
  executeRestore,
  planRestore,
  takeBackup,
  verifyBackup,
} from "@tidemark/engine";
import { newId, Secret, systemClock } from "@tidemark/kit";
import { parseDsn, ReplicationSession, SqlSession } from "@tidemark/postgres";
import {
  type CompressionSetting,
  createRepository,
  newRepositoryKey,
  openRepository,
  type RepositoryKey,
  type ServerArea,
} from "@tidemark/repository";
import { type ObjectStore, openStore, RetryingStore } from "@tidemark/storage";
import type { RowPlaces, Step } from "./rows/row.ts";
import type { TidemarkVariant } from "./rows/tidemark.ts";

/** An act with all it needs to know. */
export interface Order extends TidemarkVariant, RowPlaces {
  readonly act: "init" | Step;
  readonly dsn: string;
  readonly dataDir: string;
  readonly threads: number;
}

/** Throws what the act throws, and when something else came of it than was asked for. */
export async function perform(order: Order): Promise<void> {
  if (order.act === "init") return init(order);
  const key: RepositoryKey | null = order.encrypted
    ? { kind: "key-file", text: new Secret(readFileSync(keyFile(order), "utf8")) }
    : null;
  const repository = await openRepository(await store(order), { ...options(order), key });
  try {
    await performIn(repository.area("srv_bench"), order);
  } finally {
    await repository.close();
  }
}

async function init(order: Order): Promise<void> {
  mkdirSync(scratch(order), { recursive: true });
  const key = newRepositoryKey(randomBytes);
  if (order.encrypted) writeFileSync(keyFile(order), key.text.reveal());
  const repository = await createRepository(await store(order), {
    encryption: order.encrypted ? key : "none",
    compression: options(order).compression,
  });
  await repository.close();
}

/** As `openRegisteredRepository` of the worker opens it. */
function options(order: Order) {
  const compression: CompressionSetting =
    order.compression === "none" ? { algorithm: "none" } : { algorithm: "zstd", level: 1 };
  return { clock: systemClock, spoolFolder: scratch(order), openerThreads: order.threads, compression };
}

async function store(order: Order): Promise<ObjectStore> {
  const opened = await openStore(order.repository, { clock: systemClock, spoolFolder: scratch(order) });
  return new RetryingStore(opened);
}

function scratch({ state }: Order): string {
  return join(state, "scratch");
}

function keyFile({ state }: Order): string {
  return join(state, "key.txt");
}

const control: ActControl = {
  signal: new AbortController().signal,
  emit: (event) => {
    if (event.kind !== "progress") console.log(event.message);
  },
};

async function performIn(area: ServerArea, order: Order): Promise<void> {
  switch (order.act) {
    case "full":
    case "repeat":
      return backUp(area, order, "full");
    case "incr":
      return backUp(area, order, "auto");
    case "verify":
      return verify(area, "stored");
    case "verify-whole":
      return verify(area, "whole");
    case "restore-full":
    case "restore-incr":
      return restore(area, order.restoreTo);
    default:
      throw new Error(`${order.act} is no act`);
  }
}

async function backUp(area: ServerArea, order: Order, reading: "auto" | "full"): Promise<void> {
  const encoder = createBackupEncoder({ threads: order.threads });
  try {
    const stored = await takeBackup(
      { area, source: source(order), encoder, clock: systemClock },
      {
        backupId: newId("backup"),
        serverName: "bench",
        label: "bench",
        checkpoint: "fast",
        maxRateKib: null,
        systemIdentifierChangeConfirmed: false,
        reading,
      },
      control,
    );
    // What was asked for must be what was measured.
    if (reading === "auto" && stored.facts?.reading?.kind !== "incremental") {
      throw new Error(`a full was taken: ${JSON.stringify(stored.facts?.reading)}`);
    }
  } finally {
    await encoder.close();
  }
}

function source(order: Order): BackupSource {
  const dsn = parseDsn(order.dsn);
  const connectSql = (signal: AbortSignal) => SqlSession.connect(dsn, { signal });
  if (order.local) return { kind: "files", connectSql, readers: 1, dataDirectory: order.dataDir };
  return { kind: "stream", connect: (signal) => ReplicationSession.connect(dsn, { signal }), connectSql };
}

async function verify(area: ServerArea, tier: "stored" | "whole"): Promise<void> {
  const newest = (await area.listBackups()).at(-1);
  if (newest === undefined) throw new Error("there is no backup");
  const request = { backupId: newest.backupId, by: "bench", tier, subset: null };
  const report = await verifyBackup({ area, clock: systemClock }, request, control);
  if (!report.ok) throw new Error("the backup is damaged");
}

async function restore(area: ServerArea, targetDirectory: string): Promise<void> {
  const deps = { area, clock: systemClock };
  const request = {
    backupId: null,
    targetDirectory,
    tablespaces: [],
    owner: null,
    keepSignalFiles: false,
    allowedRoots: null,
    delta: false,
    databases: null,
  };
  const plan = await planRestore(deps, request, control.signal);
  await executeRestore(deps, plan, control);
}
