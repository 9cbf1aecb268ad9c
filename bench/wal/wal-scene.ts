import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type BenchCluster, database } from "../cluster.ts";
import type { BenchSettings } from "../settings.ts";

/** A server with so many segments of WAL that a slot keeps, nothing archived yet. */
export interface WalScene {
  readonly settings: BenchSettings;
  readonly cluster: BenchCluster;
  /** Of the server as it was at the beginning of the first segment; null: nobody asked for one. */
  readonly backup: string | null;
  /** The first byte behind the last segment. */
  readonly endLsn: string;
  /** Where the last record but the switch ends. */
  readonly targetLsn: string;
  /** Where the last record of the last segment ends: it is filled up with zeros. */
  readonly switchLsn: string;
  readonly segments: readonly string[];
}

export const segmentBytes = 16 * 1024 * 1024;
const baseSlot = "bench_base";

/** Writes `settings.segments` segments, most of them rows as a server of orders has. */
export async function setWalScene(
  settings: BenchSettings,
  cluster: BenchCluster,
  takeBackup: ((to: string) => Promise<void>) | null,
): Promise<WalScene> {
  const { query } = cluster;
  const backup = takeBackup === null ? null : join(settings.workDir, "backup");
  await query("CREATE TABLE public.orders (id bigint, at timestamptz, amount int, filler text)");
  await query("CREATE TABLE public.ledger (id int PRIMARY KEY, amount bigint)");
  await query("INSERT INTO public.ledger VALUES (1, 0)");
  await allArchived(cluster);
  await setArchiving(cluster, {});
  await query("SELECT pg_switch_wal()");
  // A slot reserves WAL from the last checkpoint on.
  await query("CHECKPOINT");
  await query(`SELECT pg_create_physical_replication_slot('${baseSlot}', true)`);
  const startLsn = await text(cluster, "SELECT pg_current_wal_lsn()::text AS value");
  if (backup !== null) await takeBackup?.(backup);
  const wanted = `pg_wal_lsn_diff(pg_current_wal_lsn(), '${startLsn}') < ${settings.segments - 1}::float8 * ${segmentBytes}`;
  while (await text(cluster, `SELECT (${wanted})::text AS value`).then((more) => more === "true")) await write(cluster);
  const targetLsn = await text(cluster, "SELECT pg_current_wal_insert_lsn()::text AS value");
  const switchLsn = await text(cluster, "SELECT pg_switch_wal()::text AS value");
  const endLsn = await text(
    cluster,
    `SELECT ('0/0'::pg_lsn + ceil(('${switchLsn}'::pg_lsn - '0/0') / ${segmentBytes}) * ${segmentBytes})::text AS value`,
  );
  await query("INSERT INTO public.orders VALUES (0, now(), 0, '')");
  const first = await text(cluster, `SELECT pg_walfile_name('${startLsn}'::pg_lsn) AS value`);
  const last = await text(cluster, `SELECT pg_walfile_name('${switchLsn}') AS value`);
  const segments = readdirSync(join(cluster.dataDir, "pg_wal")).filter(
    (name) => /^[0-9A-F]{24}$/.test(name) && name >= first && name <= last,
  );
  return { settings, cluster, backup, endLsn, targetLsn, switchLsn, segments: segments.sort() };
}

/** Half a million rows, and some of them changed: 4 segments or so. */
async function write({ query }: BenchCluster): Promise<void> {
  await query(`INSERT INTO public.orders SELECT g, now(), g % 9973,
    CASE g % 3 WHEN 0 THEN md5(g::text) WHEN 1 THEN 'shipped to customer ' || (g % 977) ELSE 'status=open qty=' || (g % 13) END
    FROM generate_series(1, 500000) g`);
  await query("UPDATE public.ledger SET amount = amount + 1");
}

/** A slot that holds everything from the first segment on. */
export async function newSlot({ cluster }: WalScene, name: string): Promise<void> {
  await dropSlot(cluster, name);
  await cluster.query(`SELECT pg_copy_physical_replication_slot('${baseSlot}', '${name}')`);
}

/** Waits for the session that holds it: the server finds out late that a client is gone. */
export async function dropSlot({ query }: BenchCluster, name: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${name}'`);
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await pause(100);
    }
  }
}

export interface Archiving {
  readonly command?: string;
  readonly library?: string;
  /** The module's only setting. */
  readonly socket?: string;
}

/** How the server archives from now on; not at all when nothing is said. */
export async function setArchiving(cluster: BenchCluster, { command, library, socket }: Archiving): Promise<void> {
  const { query } = cluster;
  await query(`ALTER SYSTEM SET archive_command = ${literal(command ?? "")}`);
  await query(`ALTER SYSTEM SET archive_library = ${literal(library ?? "")}`);
  if (library !== undefined && socket !== undefined)
    await cluster.setOfModule(library, "tidemark_archive.socket", socket);
  await query("SELECT pg_reload_conf()");
}

/** Every segment waits for the archiver again. */
export function makeReady({ cluster, segments }: WalScene): void {
  for (const name of segments) {
    const [done, ready] = [status(cluster, name, "done"), status(cluster, name, "ready")];
    if (existsSync(done)) renameSync(done, ready);
  }
}

export function isArchived({ cluster }: WalScene, segment: string): boolean {
  return existsSync(status(cluster, segment, "done"));
}

async function allArchived(cluster: BenchCluster): Promise<void> {
  const folder = join(cluster.dataDir, "pg_wal/archive_status");
  while (readdirSync(folder).some((name) => name.endsWith(".ready"))) await pause(20);
}

function status({ dataDir }: BenchCluster, segment: string, state: "ready" | "done"): string {
  return join(dataDir, "pg_wal/archive_status", `${segment}.${state}`);
}

/** An empty folder for one row. */
export function emptyFolder({ workDir }: BenchSettings, name: string): string {
  const folder = join(workDir, name.replace(/[^\w]+/g, "-"));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

export function connection({ socketDir, port }: BenchCluster): readonly string[] {
  return ["-h", socketDir, "-p", `${port}`, "-U", database];
}

async function text({ query }: BenchCluster, sql: string): Promise<string> {
  const [row] = await query(sql);
  return String(row?.value);
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
