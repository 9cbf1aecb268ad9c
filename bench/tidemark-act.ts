/** One act of ours in a process of its own, for the benchmark: `node tidemark-act.ts ACT`, the rest in BENCH_ACT. */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
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
  keepHeapSmall,
  newRepositoryKey,
  openRepository,
  type RepositoryKey,
  type ServerArea,
} from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import type { RowPlaces } from "./rows/row.ts";
import type { TidemarkVariant } from "./rows/tidemark.ts";

interface Order extends TidemarkVariant, RowPlaces {
  readonly dsn: string;
  readonly dataDir: string;
  readonly threads: number;
}

keepHeapSmall();
const order = JSON.parse(process.env.BENCH_ACT ?? "{}") as Order;
const act = process.argv[2];
const compression: CompressionSetting =
  order.compression === "none" ? { algorithm: "none" } : { algorithm: "zstd", level: 1 };
const keyFile = join(order.state, "key.txt");
const store = new FilesystemStore(order.repository);
const control: ActControl = {
  signal: new AbortController().signal,
  emit: (event) => {
    if (event.kind !== "progress") console.log(event.message);
  },
};

if (act === "init") {
  const key = newRepositoryKey(randomBytes);
  if (order.encrypted) writeFileSync(keyFile, key.text.reveal());
  const repository = await createRepository(store, { encryption: order.encrypted ? key : "none", compression });
  await repository.close();
} else {
  const key: RepositoryKey | null = order.encrypted
    ? { kind: "key-file", text: new Secret(readFileSync(keyFile, "utf8")) }
    : null;
  const repository = await openRepository(store, { key, compression, openerThreads: order.threads });
  try {
    await perform(repository.area("srv_bench"));
  } finally {
    await repository.close();
  }
}

async function perform(area: ServerArea): Promise<void> {
  switch (act) {
    case "full":
    case "repeat":
      return backUp(area, "full");
    case "incr":
      return backUp(area, "auto");
    case "verify":
      return verify(area, "stored");
    case "verify-whole":
      return verify(area, "whole");
    case "restore-full":
    case "restore-incr":
      return restore(area);
    default:
      throw new Error(`${act} is no act`);
  }
}

async function backUp(area: ServerArea, reading: "auto" | "full"): Promise<void> {
  const encoder = createBackupEncoder({ threads: order.threads });
  try {
    const stored = await takeBackup(
      { area, source: source(), encoder, clock: systemClock },
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

function source(): BackupSource {
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

async function restore(area: ServerArea): Promise<void> {
  const deps = { area, clock: systemClock };
  const request = {
    backupId: null,
    targetDirectory: order.restoreTo,
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
