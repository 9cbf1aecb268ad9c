import { systemClock } from "@tidemark/kit";
import { openStore, parseStoreCredentials } from "@tidemark/storage";
import { openRepository } from "./open-repository.ts";
import { InlineEncoder, noise, testFacts, writeFiles } from "./test-repository.ts";

/**
 * One act on a repository in a process of its own that ends itself with SIGKILL at a named step (killed-acts.int.test.ts).
 * The order is the first argument, as JSON.
 */
export interface KilledActOrder {
  readonly act: "backup" | "renew" | "salvage" | "abort" | "delete" | "mark" | "collect";
  readonly step: string;
  readonly store: string;
  /** As `parseStoreCredentials` takes them; null: none. */
  readonly credentials: string | null;
  readonly backupId: string;
  readonly parentId: string | null;
  /** How far ahead this process's clock is, in ms: for a collection that comes later. */
  readonly laterMs: number;
}

const order = JSON.parse(process.argv[2] ?? "") as KilledActOrder;
const credentials = order.credentials === null ? null : parseStoreCredentials(order.credentials);
const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + order.laterMs) };
let renew: () => void = () => undefined;
const repository = await openRepository(await openStore(order.store, { credentials }), {
  clock,
  openerThreads: 1,
  every: (_, act) => {
    renew = act;
    return () => undefined;
  },
  onStep: (step) => {
    if (step === order.step) process.kill(process.pid, "SIGKILL");
  },
});
const area = repository.area("srv_1");
const { backupId, parentId } = order;

if (order.act === "delete") await area.deleteBackup(backupId);
if (order.act === "mark") {
  await area.addMark(backupId, { kind: "note", text: "killed", by: "test", at: clock.now() });
}
if (order.act === "collect") {
  const options = { now: clock.now(), graceMs: 3_600_000, runningBackupIds: [] };
  await area.executeCollection(await area.planCollection(options));
}
if (["backup", "renew", "salvage", "abort"].includes(order.act)) {
  const interrupted = order.act === "salvage" ? await area.interruptedBackups({ endedBackupIds: ["bak_z_dead"] }) : [];
  const salvageFrom = interrupted.map((one) => one.backupId);
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId, parentId, startedAt: clock.now(), encoder, salvageFrom });
  await writeFiles(writer, new Map([["large", noise(300_000, 7)]]));
  renew();
  // The renewal is on its way; a writer that lives waits for it when it ends.
  if (order.act === "abort") await writer.abort();
  else await writer.commit({ ...testFacts, startedAt: clock.now() });
}
await repository.close();
process.stdout.write("survived\n");
