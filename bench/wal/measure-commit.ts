import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { database } from "../cluster.ts";
import { median } from "../report.ts";
import { ourEnvironment, pgReceivewal, receiverCommand } from "./measure-stream.ts";
import { begin, timed } from "./timed.ts";
import { RowAbsent, type WalSample } from "./wal-sample.ts";
import { connection, dropSlot, emptyFolder, type WalScene } from "./wal-scene.ts";

export const commitRows = ["no standby", "pg_receivewal --synchronous", "tidemark none", "tidemark zstd:1"] as const;

const slot = "bench_sync";
const seconds = 4;

/** One client that commits one small change after another, while the row is the synchronous standby. */
export async function measureCommit(scene: WalScene, row: string): Promise<WalSample> {
  const { settings, cluster } = scene;
  const pgbench = join(settings.pgBin, "pgbench");
  if (!existsSync(pgbench)) throw new RowAbsent(`${pgbench} is not installed`);
  const to = emptyFolder(settings, "commit");
  const script = join(to, "commit.sql");
  writeFileSync(script, "UPDATE public.ledger SET amount = amount + 1 WHERE id = 1;\n");
  await dropSlot(cluster, slot);
  const standby = await startStandby(scene, row, join(to, "wal"));
  try {
    const client = [...connection(cluster), "-n", "-f", script, "-M", "prepared"];
    // What only the first commits cost.
    await run(pgbench, [...client, "-t", "200", database]);
    let latencyMs: number | null = null;
    const measured = await timed(
      settings,
      async () => {
        const prefix = join(to, "commits");
        await run(pgbench, [...client, "-T", `${seconds}`, "-l", `--log-prefix=${prefix}`, database]);
        latencyMs = medianOfLog(to);
        return null;
      },
      () => standby?.pid ?? null,
    );
    return { step: "commit", row, segments: 0, ...measured, storedBytes: null, latencyMs };
  } finally {
    await waitFor(scene, null);
    await standby?.end("SIGINT");
    await dropSlot(cluster, slot);
  }
}

/** Third on each line of pgbench's log: how long the transaction took, in microseconds. */
function medianOfLog(folder: string): number {
  const logs = readdirSync(folder).filter((name) => name.startsWith("commits."));
  const lines = logs.flatMap((name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n"));
  return median(lines.map((line) => Number(line.split(" ")[2]))) / 1000;
}

async function startStandby(scene: WalScene, row: string, to: string) {
  const { settings, cluster } = scene;
  if (row === "no standby") return null;
  await cluster.query(`SELECT pg_create_physical_replication_slot('${slot}', true)`);
  const isOurs = row.startsWith("tidemark");
  const command = isOurs
    ? receiverCommand(scene, to, row.replace("tidemark ", ""), ["--slot", slot, "--synchronous", "--endless"])
    : pgReceivewal(scene, emptyFolder(settings, "commit-wal"), ["-S", slot, "--synchronous"]);
  const standby = begin(command, join(settings.workDir, `${slot}.log`), ourEnvironment(settings.workDir));
  const died = standby.ended.then(() => Promise.reject(new Error("it ended by itself")));
  await Promise.race([waitFor(scene, isOurs ? "tidemark_sync" : "pg_receivewal"), died]);
  return standby;
}

/** Until commits wait for this standby, and it is where the server is. */
async function waitFor({ cluster: { query } }: WalScene, name: string | null): Promise<void> {
  await query(`ALTER SYSTEM SET synchronous_standby_names = '${name ?? ""}'`);
  await query("SELECT pg_reload_conf()");
  if (name === null) return;
  for (;;) {
    const [found] = await query(
      `SELECT count(*)::int AS count FROM pg_stat_replication WHERE sync_state = 'sync' AND application_name = '${name}'`,
    );
    if (found?.count === 1) return;
    await pause(50);
  }
}

const run = promisify(execFile);
