import { mkdir, rm } from "node:fs/promises";
import { RestorePlanResult } from "@tidemark/jobs";
import { newId, systemClock } from "@tidemark/kit";
import type { FinalRunState } from "@tidemark/metadata";
import type { ApiProcess } from "./api-process.ts";
import type { ActName } from "./kill-table.ts";
import type { Product } from "./product.ts";

/** One kind of act as the kill tests need it. */
export interface Act {
  readonly name: ActName;
  /** Puts in place what it needs; called before each run that is to be killed. */
  prepare(): Promise<void>;
  /** Asks for a run by a row and a bell; gives its id. */
  start(): Promise<string>;
  /** Asks for it by GraphQL. */
  startByApi(api: ApiProcess): Promise<string>;
  /** How its run ends when its worker dies at the step. */
  endAfterDeath(step: string): FinalRunState;
}

/** A backup exists when its manifest does: whatever dies after that, its run has succeeded. */
export function backupAct(product: Product): Act {
  const { serverId, repositoryId, metadata, queues } = product;
  const complete = new Set(["manifest:after-put", "commit:after-lease", "backup:after-commit"]);
  return {
    name: "backup",
    prepare: () => touch(product),
    async start() {
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
      return run.id;
    },
    async startByApi(api) {
      const query =
        "mutation ($input: TakeBackupInput!) { takeBackup(input: $input) { run { id } userErrors { code message } } }";
      const data = await api.graphql<{ takeBackup: { run: { id: string } } }>(query, {
        input: { serverId, checkpoint: "FAST" },
      });
      return data.takeBackup.run.id;
    },
    endAfterDeath: (step) => (complete.has(step) ? "succeeded" : "interrupted"),
  };
}

/** Changes a few pages, so that the next backup has something to store. */
async function touch({ managed }: Product): Promise<void> {
  await managed.query("UPDATE kept SET pad = md5(random()::text) WHERE n <= 20");
}

export interface RestoreAct extends Act {
  readonly target: string;
  readonly tablespaceTarget: string;
}

/** Restores the newest backup, always to the same folders: what one that died left there must not be in the way. */
export function restoreAct(product: Product): RestoreAct {
  const { serverId } = product;
  const target = product.managed.dir.join("restored");
  const tablespaceTarget = product.managed.dir.join("restored-aside");
  const plan = async () => {
    const [tablespace] = await product.managed.query<{ location: string }>(
      "SELECT pg_tablespace_location(oid) AS location FROM pg_tablespace WHERE spcname = 'aside'",
    );
    const tablespaces = [{ from: tablespace?.location ?? "", to: tablespaceTarget }];
    const run = await product.request("restore-plan", {
      serverId,
      backupId: null,
      targetDirectory: target,
      tablespaces,
      owner: null,
      delta: false,
      databases: null,
    });
    const result = RestorePlanResult.parse((await product.endedAs(run.id, "succeeded")).result);
    if (!result.ok) throw new Error(`the restore cannot be planned: ${JSON.stringify(result.checks)}`);
    return { planRunId: run.id, planHash: result.planHash };
  };
  return {
    name: "restore",
    target,
    tablespaceTarget,
    async prepare() {
      for (const folder of [target, tablespaceTarget]) await rm(folder, { recursive: true, force: true });
      // As the parent of a restore is in production: there, and the servers' account's.
      await mkdir(product.managed.dir.path, { recursive: true });
    },
    start: async () => (await product.request("restore", { serverId, ...(await plan()) })).id,
    async startByApi(api) {
      const query =
        "mutation ($input: RunRestoreInput!) { runRestore(input: $input) { run { id } userErrors { code message } } }";
      const data = await api.graphql<{ runRestore: { run: { id: string } } }>(query, { input: await plan() });
      return data.runRestore.run.id;
    },
    endAfterDeath: () => "interrupted",
  };
}

/** Each retention deletes the two oldest backups that are left; what they alone needed is collected. */
export function retentionAct(product: Product): Act {
  const { serverId, policyId, metadata } = product;
  const backup = backupAct(product);
  const takeBackup = async () => {
    await backup.prepare();
    await product.endedAs(await backup.start(), "succeeded");
  };
  return {
    name: "retention",
    async prepare() {
      let { length } = await product.area.listBackups();
      for (; length < 4; length++) await takeBackup();
      for (const { backupId } of (await product.area.listBackups()).slice(0, 2)) {
        const note = { kind: "note" as const, text: "goes with its backup", by: "user:test", at: systemClock.now() };
        await product.area.addMark(backupId, note);
      }
      await metadata.policies.update(policyId, { keepLast: length - 2 });
    },
    start: async () => (await product.request("retention", { serverId, planHash: null })).id,
    async startByApi(api) {
      const preview = await api.graphql<{ previewRetention: { planHash: string } }>(
        "query ($serverId: ID!) { previewRetention(serverId: $serverId) { planHash } }",
        { serverId },
      );
      const query =
        "mutation ($input: ApplyRetentionInput!) { applyRetention(input: $input) { run { id } userErrors { code message } } }";
      const input = { serverId, planHash: preview.previewRetention.planHash };
      const data = await api.graphql<{ applyRetention: { run: { id: string } } }>(query, { input });
      return data.applyRetention.run.id;
    },
    endAfterDeath: () => "interrupted",
  };
}
