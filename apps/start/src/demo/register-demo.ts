import { setTimeout as delay } from "node:timers/promises";
import type { Queues } from "@tidemark/jobs";
import type { Secret } from "@tidemark/kit";
import { seal } from "@tidemark/kit/sealed-text";
import type { Metadata, Server } from "@tidemark/metadata";
import { awaitSuccess } from "../default-repository.ts";

/**
 * Registers the demo server as `demo` with a policy and schedules; its first backup and drill start by themselves. One
 * that is registered is left as it is; only an address that moved is told to it. Gives false when people removed it or
 * gave its name to another server.
 */
export async function registerDemo(
  metadata: Metadata,
  queues: Pick<Queues, "ring">,
  demo: { readonly dsn: Secret; readonly port: number; readonly isNew: boolean; readonly repositoryId: string | null },
  signal: AbortSignal,
): Promise<boolean> {
  const present = (await metadata.servers.all()).find((server) => server.isDemo);
  if (present !== undefined) {
    await correctAddress(metadata, queues, present, demo, signal);
    return true;
  }
  if (!demo.isNew || demo.repositoryId === null || (await metadata.servers.findByName(demoName)) !== null) return false;
  const { run } = await metadata.runs.create({
    kind: "connection-test",
    repositoryId: demo.repositoryId,
    requestedBy: "tidemark",
    request: {
      serverId: null,
      sealedDsn: await sealForWorkers(metadata, demo.dsn, signal),
      intent: {
        kind: "add-server",
        name: demoName,
        repositoryId: demo.repositoryId,
        policyId: null,
        retention: {
          keepLast: null,
          windowDays: 7,
          daily: null,
          weekly: null,
          monthly: null,
          yearly: null,
          timeZone: "UTC",
          minimum: 2,
        },
        schedules: demoSchedules,
        sameSystemAs: null,
        firstBackup: true,
        isDemo: true,
        walMode: "stream",
        walSlot: null,
        synchronous: false,
      },
    },
  });
  await queues.ring(run.id, run.kind);
  await awaitSuccess(metadata, run.id, signal);
  return true;
}

/** The port was taken by somebody else, so the demo came up on another one: tested and stored like any new address. */
async function correctAddress(
  metadata: Metadata,
  queues: Pick<Queues, "ring">,
  server: Server,
  demo: { readonly dsn: Secret; readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  if (new URL(server.connection).port === String(demo.port)) return;
  const { run } = await metadata.runs.create({
    kind: "connection-test",
    serverId: server.id,
    requestedBy: "tidemark",
    request: {
      serverId: server.id,
      sealedDsn: await sealForWorkers(metadata, demo.dsn, signal),
      intent: { kind: "update-server", serverId: server.id },
    },
  });
  await queues.ring(run.id, run.kind);
  await awaitSuccess(metadata, run.id, signal);
}

/** The first worker publishes the key; it may still be starting. */
async function sealForWorkers(metadata: Metadata, text: Secret, signal: AbortSignal): Promise<string> {
  for (;;) {
    const { workerPublicKey } = await metadata.instance.get();
    if (workerPublicKey !== null) return await seal(workerPublicKey, text.reveal());
    await delay(100, undefined, { signal });
  }
}

const demoName = "demo";
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const demoSchedules = [
  { kind: "backup" as const, cron: "0 */6 * * *", zone },
  { kind: "verify" as const, cron: "30 3 * * *", zone },
  { kind: "retention" as const, cron: "0 4 * * *", zone },
  { kind: "drill" as const, cron: "0 5 * * 0", zone },
];
