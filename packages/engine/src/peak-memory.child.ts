import { readFile } from "node:fs/promises";
import { engineRig, filesFrom, streamFrom } from "./engine-rig.ts";
import { startSliceMonitor } from "./slice-monitor.ts";

/**
 * Runs a backup, a verification and a restore in a process of its own, and prints the kernel's high-water mark of its
 * memory after each (peak-memory.int.test.ts reads it). Arguments: the server's address, and `stream` or `files`.
 */
const [, , dsn = "", way = "stream"] = process.argv;
const source = way === "stream" ? streamFrom(dsn) : filesFrom(dsn, { readers: 4 });
const peaks: Record<string, number> = {};

async function notePeak(act: string): Promise<void> {
  const status = await readFile("/proc/self/status", "utf8");
  peaks[act] = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

const monitor = startSliceMonitor(() => undefined);
await using rig = await engineRig();
await notePeak("start");
const backup = await rig.backupFrom(source);
await notePeak("backup");
let ok = true;
// What follows a backup does not ask how its bytes came.
if (way === "stream") {
  const second = await rig.backupFrom(source);
  await notePeak("second backup");
  ({ ok } = await rig.verify(second.backupId));
  await notePeak("verify");
  await rig.restore(await rig.plan({ targetDirectory: rig.dir.join("restored"), backupId: backup.backupId }));
  await notePeak("restore");
}
monitor.stop();
process.stdout.write(
  `${JSON.stringify({ ok, peaks, longestSliceMs: monitor.longestMs, plainBytes: Number(backup.plainBytes) })}\n`,
);
