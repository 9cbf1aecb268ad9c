import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { parseDsn } from "@tidemark/postgres";
import { createRepository } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { startSliceMonitor } from "../../slice-monitor.ts";
import type { WalReceiverState } from "./receive-types.ts";
import { receiveWal } from "./receive-wal.ts";

/** Many receivers in a process of their own, as one worker has them; the order is the first argument, as JSON. */
export interface ManyReceiversOrder {
  readonly dsns: readonly string[];
  /** On each server; each is an area of its own. */
  readonly slotsEach: number;
  readonly repository: string;
}

/** A line for each second, once all of them stream; the last one when they have stopped (SIGTERM). */
export interface ManyReceiversLine {
  readonly residentBytes: number;
  readonly longestSliceMs: number;
  readonly reconnects: number;
  readonly gaps: number;
  readonly isOver: boolean;
}

const order = JSON.parse(process.argv[2] ?? "") as ManyReceiversOrder;
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const repository = await createRepository(new FilesystemStore(order.repository), { encryption: "none" });
const states = new Map<string, WalReceiverState>();
let gaps = 0;
const receivers = order.dsns.flatMap((dsn, server) =>
  Array.from({ length: order.slotsEach }, async (_, index) => {
    const name = `many_${server}_${index}`;
    await receiveWal(
      {
        area: repository.area(`srv_${name}`),
        clock: systemClock,
        logger: createLogger({ name, level: "warn" }),
        onState: (state) => void states.set(name, state),
        onSegment: async () => undefined,
        onTimeline: async () => undefined,
        onGap: async () => void gaps++,
      },
      { connection: parseDsn(dsn), slotName: name, synchronous: false, writer: name, systemIdentifier: null },
      { signal: stop.signal },
    );
  }),
);
while ([...states.values()].filter(({ state }) => state === "streaming").length < receivers.length) await delay(50);
const monitor = startSliceMonitor(() => undefined);
const print = (isOver: boolean): void => {
  const reconnects = [...states.values()].reduce((sum, state) => sum + state.reconnects, 0);
  const { longestMs: longestSliceMs } = monitor;
  const line = { residentBytes: process.memoryUsage.rss(), longestSliceMs, reconnects, gaps, isOver };
  process.stdout.write(`${JSON.stringify(line satisfies ManyReceiversLine)}\n`);
};
const printing = setInterval(() => print(false), 1_000);
await Promise.all(receivers);
clearInterval(printing);
print(true);
monitor.stop();
await repository.close();
