import { appendFileSync, chmodSync, cpSync, existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type OurHost, startOurHost } from "./our-host.ts";
import { begin, timed } from "./timed.ts";
import { RowAbsent, type WalSample } from "./wal-sample.ts";
import { emptyFolder, isArchived, makeReady, setArchiving, type WalScene } from "./wal-scene.ts";

export const recoveryRows = ["cp", "tidemark fetch none", "tidemark fetch zstd:1"] as const;

/** A backup recovers to the end of the last segment and stops there. Timed is the replay. */
export async function measureRecovery(scene: WalScene, row: string): Promise<WalSample> {
  const { settings, backup, segments } = scene;
  if (backup === null) throw new RowAbsent("there is no pg_basebackup to begin with");
  const source: RecoverySource = row === "cp" ? localArchive(scene) : await ourArchive(scene, row);
  const dataDir = join(settings.workDir, "recovered");
  rmSync(dataDir, { recursive: true, force: true });
  cpSync(backup, dataDir, { recursive: true });
  chmodSync(dataDir, 0o700);
  appendFileSync(join(dataDir, "postgresql.auto.conf"), configuration(scene, source.restoreCommand));
  writeFileSync(join(dataDir, "recovery.signal"), "");
  const log = join(settings.workDir, "recovered.log");
  try {
    const measured = await timed(
      settings,
      async () => {
        // It does not end with 0 when it stops at its target: what it says tells whether it came there.
        const server = begin([join(settings.pgBin, "postgres"), "-D", dataDir], log);
        await server.ended.catch(() => undefined);
        return replaySeconds(readFileSync(log, "utf8"));
      },
      () => source.host?.agent.pid ?? null,
    );
    return { step: "recovery", row, segments: segments.length, ...measured, storedBytes: null, latencyMs: null };
  } finally {
    await source.host?.agent.end();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface RecoverySource {
  readonly restoreCommand: string;
  readonly host: OurHost | null;
}

function configuration({ cluster, targetLsn }: WalScene, restoreCommand: string): string {
  const lines = {
    restore_command: restoreCommand,
    recovery_target_lsn: targetLsn,
    recovery_target_inclusive: "off",
    recovery_target_action: "shutdown",
    archive_mode: "off",
    port: cluster.port + 1,
    hot_standby: "off",
    // Milliseconds since 1970.
    log_line_prefix: "%n ",
  };
  const text = Object.entries(lines).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`);
  return text.join("");
}

function localArchive({ settings, cluster, segments }: WalScene): RecoverySource {
  const folder = emptyFolder(settings, "local-archive");
  for (const name of segments) linkSync(join(cluster.dataDir, "pg_wal", name), join(folder, name));
  return { restoreCommand: `cp ${folder}/%f %p`, host: null };
}

/** Archived once a run, untimed. */
async function ourArchive(scene: WalScene, row: string): Promise<RecoverySource> {
  const compression = row.split(" ").at(-1) ?? "";
  const name = `recovery-${compression.replace(":", "-")}`;
  const isThere = existsSync(join(scene.settings.workDir, `${name}-repository`));
  const host = await startOurHost(scene, name, compression, isThere);
  if (!isThere) {
    makeReady(scene);
    await setArchiving(scene.cluster, { command: host.archiveCommand });
    while (!isArchived(scene, scene.segments.at(-1) ?? "")) await pause(50);
    await setArchiving(scene.cluster, {});
  }
  return { restoreCommand: host.restoreCommand, host };
}

/** Between the lines that say where redo began and where it stopped. */
function replaySeconds(log: string): number {
  const at = (said: string): number => {
    const line = log.split("\n").find((one) => one.includes(said));
    if (line === undefined) throw new Error(`the recovery did not say "${said}": ${log.slice(-2000)}`);
    return Number(line.split(" ")[0]);
  };
  return at("recovery stopping before") - at("redo starts at");
}
