import { readFile } from "node:fs/promises";
import { engineRig } from "./engine-rig.ts";
import { startSliceMonitor } from "./slice-monitor.ts";

/**
 * Runs a backup, a verification and a restore in a process of its own, and prints the kernel's high-water mark of its
 * memory after each (peak-memory.int.test.ts reads it). The server's address is the first argument.
 */
const dsn = process.argv[2] ?? "";
const peaks: Record<string, number> = {};

async function notePeak(act: string): Promise<void> {
  const status = await readFile("/proc/self/status", "utf8");
  peaks[act] = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

const monitor = startSliceMonitor(() => undefined);
await using rig = await engineRig();
await notePeak("start");
const backup = await rig.backup(dsn);
await notePeak("backup");
const second = await rig.backup(dsn);
await notePeak("second backup");
const { ok } = await rig.verify(second.backupId);
await notePeak("verify");
await rig.restore(await rig.plan({ targetDirectory: rig.dir.join("restored"), backupId: backup.backupId }));
await notePeak("restore");
monitor.stop();
process.stdout.write(
  `${JSON.stringify({ ok, peaks, longestSliceMs: monitor.longestMs, plainBytes: Number(backup.plainBytes) })}\n`,
);
