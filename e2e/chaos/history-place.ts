import { mkdir } from "node:fs/promises";
import { newId } from "@tidemark/kit";
import { seal } from "@tidemark/kit/sealed-text";
import { openRepository, type RepositoryKey, type ServerArea } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import {
  type FaultProxy,
  faultProxy,
  lsnValue,
  standbyOf,
  type TempDir,
  type TestServer,
  tempDir,
  testServer,
  waitFor,
} from "@tidemark/testkit";
import { type FullDisk, fullDisk } from "../kill/full-disk.ts";
import { attachRepository } from "../kill/product.ts";
import type { ChaosStage } from "./chaos-stage.ts";
import { CommitLedger, type LedgerPlace } from "./commit-ledger.ts";
import type { HistoryPlan } from "./plan-history.ts";
import { type AgentProcess, agentProcess, archiveCommandIn } from "./wal-agent-process.ts";

/** One history's own server (and standby), line, disk and repository, with a backup from which it can be restored. */
export interface HistoryPlace extends AsyncDisposable {
  readonly plan: HistoryPlan;
  readonly dir: TempDir;
  readonly primary: TestServer;
  readonly standby: TestServer | null;
  /** Between the workers and the servers. */
  readonly proxies: readonly FaultProxy[];
  readonly disk: FullDisk;
  readonly agent: AgentProcess | null;
  readonly serverId: string;
  readonly area: ServerArea;
  /** Where the backup ends. */
  readonly backupStopLsn: bigint;
  /** The server that takes writes, and its timeline. */
  current: LedgerPlace;
  /** Where timeline 2 left timeline 1; null: it does not exist. */
  switchLsn: bigint | null;
}

export async function historyPlace(stage: ChaosStage, plan: HistoryPlan): Promise<HistoryPlace> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(stack, stage, plan);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function assemble(stack: AsyncDisposableStack, stage: ChaosStage, plan: HistoryPlan): Promise<HistoryPlace> {
  const { product } = stage;
  const dir = stack.use(await tempDir("chaos"));
  const primary = stack.use(await startPrimary(dir, plan));
  await CommitLedger.prepare(primary);
  const standby = plan.hasStandby ? stack.use(await standbyOf(primary)) : null;
  const proxies: FaultProxy[] = [];
  for (const server of standby === null ? [primary] : [primary, standby]) {
    proxies.push(stack.use(await faultProxy({ host: "127.0.0.1", port: server.port })));
  }
  await mkdir(dir.join("disk"));
  let agent: AgentProcess | null = null;
  const pids = () => [...stage.workers().map((worker) => worker.pid), ...(agent?.pids ?? [])];
  const disk = stack.use(await fullDisk(dir.join("disk"), { sizeMb: 192, freeBytes: 0, pids }));
  const folder = dir.join("disk", "repository");
  const { repositoryId, key } = await attachRepository(product, folder, `chaos ${plan.seed} ${newId("run")}`);
  const repository = await openRepository(new FilesystemStore(folder), { key });
  stack.defer(() => repository.close());
  const serverId = await register(stage, plan, { repositoryId, dsn: dsnThrough(primary, proxies) });
  const { areaId } = (await product.metadata.servers.get(serverId)) ?? { areaId: serverId };
  stack.defer(() => forgetServer(stage, serverId));
  if (plan.way !== "stream") agent = await startAgent(stack, dir, areaId, folder, key);
  const area = repository.area(areaId);
  await takeBackup(stage, serverId, repositoryId);
  if (plan.way !== "push") await untilStreaming(stage, serverId);
  if (plan.synchronous) for (const server of [primary, standby]) await waitForUs(server);
  const [backup] = await area.listBackups();
  const owned = stack.move();
  return {
    plan,
    dir,
    primary,
    standby,
    proxies,
    disk,
    agent,
    serverId,
    area,
    backupStopLsn: backup?.facts?.stopLsn ?? 0n,
    current: { server: primary, timeline: 1 },
    switchLsn: null,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startPrimary(dir: TempDir, { major, way }: HistoryPlan): Promise<TestServer> {
  // What a standby and a slot made anew need is still there: a gap would be a fault.
  const settings = { wal_keep_size: "2GB", max_wal_size: "1GB", max_wal_senders: 20 };
  const archiving = way === "stream" ? {} : { archive_mode: "on", archive_command: await archiveCommandIn(dir) };
  return await testServer({ major, walSegmentSizeMb: 1, settings: { ...settings, ...archiving } });
}

async function startAgent(
  stack: AsyncDisposableStack,
  dir: TempDir,
  serverId: string,
  repositoryUrl: string,
  key: RepositoryKey,
): Promise<AgentProcess> {
  const agent = await agentProcess({ dir, serverId, repositoryUrl, key: key.text.reveal() });
  stack.defer(() => agent.kill());
  await agent.start();
  return agent;
}

function dsnThrough({ superuser, password }: TestServer, proxies: readonly FaultProxy[]): string {
  const hosts = proxies.map(({ port }) => `127.0.0.1:${port}`).join(",");
  return `postgresql://${superuser}:${password}@${hosts}/postgres?target_session_attrs=read-write&connect_timeout=3`;
}

async function register(
  { product }: ChaosStage,
  { seed, way, synchronous }: HistoryPlan,
  { repositoryId, dsn }: { readonly repositoryId: string; readonly dsn: string },
): Promise<string> {
  const { metadata, policyId } = product;
  const { workerPublicKey } = await metadata.instance.get();
  const server = await metadata.servers.register({
    name: `chaos ${seed} ${newId("server")}`,
    sealedDsn: await seal(workerPublicKey ?? "", dsn),
    connection: "postgresql://chaos",
    repositoryId,
    policy: { id: policyId },
    walMode: way === "push" ? "push" : "stream",
    synchronous,
  });
  return server.id;
}

async function takeBackup({ product }: ChaosStage, serverId: string, repositoryId: string): Promise<void> {
  const { metadata, queues } = product;
  const backupId = newId("backup");
  const { run } = await metadata.runs.create({
    kind: "backup",
    serverId,
    repositoryId,
    requestedBy: "user:test",
    backup: { id: backupId, serverId, repositoryId },
    request: { serverId, backupId, checkpoint: "fast", maxRateKib: null, label: null, drillAfter: false },
  });
  await queues.ring(run.id, run.kind);
  await product.endedAs(run.id, "succeeded");
}

async function untilStreaming({ product }: ChaosStage, serverId: string): Promise<void> {
  const { walReceivers } = product.metadata;
  await waitFor(async () => (await walReceivers.ofServers([serverId]))[0]?.state === "streaming", {
    what: "a receiver to stream",
  });
}

/** From now on its commits wait for the receiver; a standby's from its promotion on. */
async function waitForUs(server: TestServer | null): Promise<void> {
  await server?.query("ALTER SYSTEM SET synchronous_standby_names = 'tidemark_sync'");
  await server?.query("SELECT pg_reload_conf()");
}

/** No worker looks for it any more. */
async function forgetServer({ product }: ChaosStage, serverId: string): Promise<void> {
  await product.metadata.servers.remove(serverId);
}

/** Ends the primary and puts the standby in its place, on timeline 2. */
export async function failOver(place: HistoryPlace, downMs: () => Promise<void>): Promise<void> {
  const { standby, primary } = place;
  if (standby === null || place.current.server === standby) return;
  await primary.kill();
  await downMs();
  await standby.query("SELECT pg_promote(false)");
  const inRecovery = "SELECT pg_is_in_recovery() AS waits";
  await waitFor(async () => (await standby.query<{ waits: boolean }>(inRecovery))[0]?.waits === false, {
    what: "the promotion",
  });
  const [row] = await standby.query<{ text: string }>("SELECT pg_read_file('pg_wal/00000002.history') AS text");
  const left = /^1\t([0-9A-F]+\/[0-9A-F]+)\t/.exec(row?.text ?? "");
  place.switchLsn = lsnValue(left?.[1] ?? "");
  place.current = { server: standby, timeline: 2 };
}
