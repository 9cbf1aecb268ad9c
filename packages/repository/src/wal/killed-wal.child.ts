import { writeSync } from "node:fs";
import { openStore, parseStoreCredentials, RetryingStore } from "@tidemark/storage";
import { openRepository } from "../open-repository.ts";
import { testKey } from "../test-repository.ts";
import { liveAsReceiver } from "./receiver-life.ts";
import { testSystem } from "./test-wal.ts";

/**
 * The life of a receiver in a process of its own, which ends itself with SIGKILL at a step (killed-wal.int.test.ts). What
 * it was told to be durable it writes to its output at once: a line each.
 */
export interface KilledWalOrder {
  readonly step: string;
  /** The how manieth time the step is reached. */
  readonly time: number;
  readonly store: string;
  readonly credentials: string | null;
  readonly writer: string;
}

const order = JSON.parse(process.argv[2] ?? "") as KilledWalOrder;
let reached = 0;
const credentials = order.credentials === null ? null : parseStoreCredentials(order.credentials);
const repository = await openRepository(new RetryingStore(await openStore(order.store, { credentials })), {
  key: testKey,
  openerThreads: 1,
  onStep: (step) => {
    if (step === order.step && ++reached === order.time) process.kill(process.pid, "SIGKILL");
  },
});
const wal = repository.area("srv_1").wal(testSystem);
const tell = (line: string): void => void writeSync(1, `${line}\n`);

await liveAsReceiver(wal, order.writer, tell);
await repository.close();
