import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boundedMemory } from "@tidemark/kit";
import { sizeOf } from "../measure.ts";
import { begin, timed } from "./timed.ts";
import { RowAbsent, type WalSample } from "./wal-sample.ts";
import { connection, dropSlot, emptyFolder, newSlot, type WalScene } from "./wal-scene.ts";

const slot = "bench_run";
const receiver = fileURLToPath(new URL("../../packages/engine/scripts/receive-wal.ts", import.meta.url));

/** A receiver that catches up over a slot, and ends when everything is durable. */
export async function measureStream(scene: WalScene, row: string): Promise<WalSample> {
  const { settings, endLsn, segments } = scene;
  const to = emptyFolder(settings, row);
  await newSlot(scene, slot);
  const command = commandOf(scene, row, to);
  let pid: number | null = null;
  const measured = await timed(
    settings,
    async () => {
      const running = begin(command, join(settings.workDir, `${slot}.log`), ourEnvironment(settings.workDir));
      pid = running.pid;
      const said = await running.ended;
      return row.startsWith("tidemark") ? receivedSeconds(said) : null;
    },
    () => pid,
  );
  await dropSlot(scene.cluster, slot);
  const storedBytes = sizeOf(to);
  emptyFolder(settings, row);
  if (storedBytes === 0) throw new Error(`${row} received nothing up to ${endLsn}`);
  return { step: "stream", row, segments: segments.length, ...measured, storedBytes, latencyMs: null };
}

export const streamRows = ["pg_receivewal", "pg_receivewal lz4", "tidemark none", "tidemark zstd:1"] as const;

/** How our receiver of the script is run: with the settings of a worker. */
export function receiverCommand(
  { cluster }: WalScene,
  to: string,
  compression: string,
  more: readonly string[],
): readonly string[] {
  const own = ["--dsn", cluster.dsn, "--to", to, "--compression", compression];
  return [process.execPath, ...boundedMemory.nodeFlags, receiver, ...own, ...more];
}

export function ourEnvironment(workDir: string): Readonly<Record<string, string>> {
  return { ...boundedMemory.environment, NODE_COMPILE_CACHE: join(workDir, "compiled") };
}

export function pgReceivewal({ settings, cluster }: WalScene, to: string, more: readonly string[]): readonly string[] {
  const program = join(settings.pgBin, "pg_receivewal");
  if (!existsSync(program)) throw new RowAbsent(`${program} is not installed`);
  return [program, ...connection(cluster), "-D", to, "--no-loop", ...more];
}

function commandOf(scene: WalScene, row: string, to: string): readonly string[] {
  const { endLsn, switchLsn } = scene;
  if (!row.startsWith("tidemark")) {
    const packing = row.endsWith("lz4") ? ["-Z", "lz4"] : [];
    return pgReceivewal(scene, to, ["-S", slot, `--endpos=${switchLsn}`, ...packing]);
  }
  return receiverCommand(scene, to, row.replace("tidemark ", ""), ["--slot", slot, "--until", endLsn]);
}

/** From the moment it asks for the server: a receiver is started once, by a worker that is there already. */
function receivedSeconds(said: string): number {
  const line = said.trimEnd().split("\n").at(-1) ?? "";
  return (JSON.parse(line) as { readonly seconds: number }).seconds;
}
