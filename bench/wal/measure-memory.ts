import { join } from "node:path";
import { ourEnvironment, receiverCommand } from "./measure-stream.ts";
import { begin, timed } from "./timed.ts";
import type { WalSample } from "./wal-sample.ts";
import { dropSlot, emptyFolder, newSlot, type WalScene } from "./wal-scene.ts";

export const memoryRows = ["1 receiver", "10 receivers"] as const;
const slot = "bench_many";

/** Receivers of one process, each with its slot and its area, that all catch up at the same time. */
export async function measureMemory(scene: WalScene, row: string): Promise<WalSample> {
  const { settings, endLsn, segments, cluster } = scene;
  const receivers = Number.parseInt(row, 10);
  const to = emptyFolder(settings, "memory");
  const slots = Array.from({ length: receivers }, (_, index) => `${slot}_${index}`);
  for (const name of slots) await newSlot(scene, name);
  const more = ["--slot", slot, "--until", endLsn, "--receivers", `${receivers}`];
  let peakBytes = 0;
  const measured = await timed(settings, async () => {
    const log = join(settings.workDir, `${slot}.log`);
    const running = begin(receiverCommand(scene, to, "zstd:1", more), log, ourEnvironment(settings.workDir));
    const line = (await running.ended).trimEnd().split("\n").at(-1) ?? "";
    peakBytes = (JSON.parse(line) as { readonly peakMiB: number }).peakMiB * 1024 ** 2;
    return null;
  });
  for (const name of slots) await dropSlot(cluster, name);
  emptyFolder(settings, "memory");
  return {
    step: "memory",
    row,
    segments: segments.length * receivers,
    ...measured,
    peakBytes,
    storedBytes: null,
    latencyMs: null,
  };
}
