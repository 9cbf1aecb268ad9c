import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { database } from "../cluster.ts";
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
        const { stdout } = await run(pgbench, [...client, "-T", `${seconds}`, database]);
        latencyMs = Number(/latency average = ([\d.]+) ms/.exec(stdout)?.[1] ?? Number.NaN);
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
