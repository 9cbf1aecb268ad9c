import { readdir } from "node:fs/promises";
import { isFinalRunState, type Run } from "@tidemark/metadata";
import { waitFor } from "@tidemark/testkit";
import { expect } from "vitest";
import type { Act } from "./acts.ts";
import type { ApiProcess } from "./api-process.ts";
import type { Kill } from "./kill-table.ts";
import type { Product } from "./product.ts";

/** Kills a victim while a run stands still at a step, and looks that nothing was lost and nothing stays behind. */
export interface Killer {
  /** The worker dies at the step; a new one ends its run as it must, and the next run of the kind succeeds. */
  killWorker(act: Act, step: string): Promise<void>;
  /** The same without the next run: what it left is needed. */
  killWorkerAndLeave(act: Act, step: string): Promise<void>;
  /** The worker dies while it gives up a backup whose server has died. */
  killWorkerGivingUp(act: Act, step: string): Promise<void>;
  /** One run meets the death of the metadata database (or the api) at each step, one after another, and succeeds. */
  killAlong(victim: "metadata" | "api" | "server", act: Act, steps: readonly string[]): Promise<void>;
  /** The managed server dies at the step of a backup, which fails unless it had all it needs; the next succeeds. */
  killServer(act: Act, step: string): Promise<Run>;
}

export function createKiller(product: Product, api: ApiProcess, kills: Kill[]): Killer {
  const { metadata, order } = product;

  const assertRunning = async (runId: string) => {
    // The database may be on its way back from the death before.
    const run = await waitFor(() => metadata.runs.get(runId), { what: `the row of ${runId}` });
    expect(run.state, `${runId} when its victim is killed`).toBe("running");
  };
  const nextSucceeds = async (act: Act) => {
    await product.endedAs(await act.start(), "succeeded");
    await checkRows(product);
  };
  /** The run stands still at the step. */
  const replaceWorker = async (act: Act, step: string, runId: string) => {
    await assertRunning(runId);
    await product.worker.kill();
    order.clear();
    await product.startWorker();
    const run = await product.endedAs(runId, act.endAfterDeath(step));
    kills.push({ act: act.name, step, victim: "worker", outcome: run.state });
    await checkLeftovers(product, runId);
  };
  const killWorkerAndLeave = async (act: Act, step: string) => {
    order.stopAt([step]);
    const runId = await act.start();
    await order.untilReached(step);
    await replaceWorker(act, step, runId);
  };

  return {
    killWorkerAndLeave,
    async killWorker(act, step) {
      await act.prepare();
      await killWorkerAndLeave(act, step);
      await nextSucceeds(act);
    },
    async killWorkerGivingUp(act, step) {
      order.stopAt(["backup:before-stream"]);
      const runId = await act.start();
      await order.untilReached("backup:before-stream");
      await product.managed.kill();
      order.stopAt([step]);
      order.release();
      await order.untilReached(step);
      await product.managed.start();
      await replaceWorker(act, step, runId);
      await nextSucceeds(act);
    },
    async killAlong(victim, act, steps) {
      await act.prepare();
      const left = new Set(steps);
      order.stopAt([...left]);
      const runId = victim === "api" ? await act.startByApi(api) : await act.start();
      const survived: string[] = [];
      while (left.size > 0) {
        const step = await nextStep(product, runId);
        if (step === null) break;
        await assertRunning(runId);
        await killVictim(product, api, victim);
        survived.push(step);
        left.delete(step);
        order.stopAt([...left]);
        // The act goes on at once, while the victim is still away.
        order.release();
        await reviveVictim(product, api, victim);
      }
      const run = await product.endedAs(runId, "succeeded");
      for (const step of survived) kills.push({ act: act.name, step, victim, outcome: run.state });
      expect([...left], "steps that were not reached").toEqual([]);
      await checkLeftovers(product, runId);
      await act.prepare();
      await nextSucceeds(act);
      if (victim === "api") await checkSeenByApi(api, runId);
    },
    async killServer(act, step) {
      await act.prepare();
      order.stopAt([step]);
      const runId = await act.start();
      await order.untilReached(step);
      await assertRunning(runId);
      await product.managed.kill();
      order.clear();
      const run = await product.ended(runId);
      kills.push({ act: act.name, step, victim: "server", outcome: run.state });
      await product.managed.start();
      await checkLeftovers(product, runId);
      await nextSucceeds(act);
      return run;
    },
  };
}

/** The step at which the run stands still, or null when it has ended. */
async function nextStep({ order, metadata }: Product, runId: string): Promise<string | null> {
  const found = await waitFor(
    async () => {
      const step = order.reached();
      if (step !== null) return { step };
      const run = await metadata.runs.get(runId);
      return run !== null && isFinalRunState(run.state) ? { step: null } : null;
    },
    { what: `the next step of ${runId}`, timeoutMs: 60_000 },
  );
  return found.step;
}

async function killVictim(product: Product, api: ApiProcess, victim: "metadata" | "api" | "server"): Promise<void> {
  if (victim === "metadata") await product.metadataServer.kill();
  else if (victim === "server") await product.managed.kill();
  else await api.program.kill();
}

async function reviveVictim(product: Product, api: ApiProcess, victim: "metadata" | "api" | "server"): Promise<void> {
  if (victim === "metadata") await product.metadataServer.start();
  else if (victim === "server") await product.managed.start();
  else await api.start();
}

/** No lease of the run, no slot or session on the server, nothing in scratch, rows that say what the repository holds. */
async function checkLeftovers(product: Product, runId: string): Promise<void> {
  const sql = "SELECT key FROM lease WHERE run_id = $1 AND holder IS NOT NULL";
  const leases = () => product.metadataServer.query(sql, [runId], { database: "tidemark" });
  // Its worker frees it right after the end of the run.
  await waitFor(async () => (await leases()).length === 0, { what: `the leases of ${runId} to go` });
  const slots = () => product.managed.query("SELECT slot_name FROM pg_replication_slots");
  await waitFor(async () => (await slots()).length === 0, { what: "the temporary slots to go" });
  const scratch = await readdir(product.home.join("scratch"), { recursive: true });
  expect(scratch.sort(), "scratch").toEqual(["clones", "drills"]);
  await checkRows(product);
}

async function checkRows({ area, metadata, serverId }: Product): Promise<void> {
  const stored = (await area.listBackups()).map((backup) => `${backup.backupId} restorable`);
  const rows = (await metadata.backups.ofServer(serverId)).filter(
    (row) => row.state !== "failed" && row.state !== "interrupted",
  );
  expect(rows.map((row) => `${row.id} ${row.state}`).sort(), "rows beside the repository").toEqual(stored.sort());
}

async function checkSeenByApi(api: ApiProcess, runId: string): Promise<void> {
  const { run } = await api.graphql<{ run: { state: string } }>("query ($id: ID!) { run(id: $id) { state } }", {
    id: runId,
  });
  expect(run.state).toBe("SUCCEEDED");
}
