import { joinCleanup } from "@tidemark/kit";
import type { HeldLease, Run } from "@tidemark/metadata";
import { blockerOf, leaseKeyOf, waitingSentence } from "./exclusion.ts";
import { leaseTtlMs } from "./run-keeper.ts";
import type { WorkerDeps } from "./worker-deps.ts";

export type Admission =
  | { readonly kind: "admitted"; readonly run: Run; readonly lease: HeldLease | null }
  /** It waits for another run, and its row says for which; its bell is rung again when that one ends. */
  | { readonly kind: "waiting" }
  /** Final, or being worked on by somebody else: nothing to do. */
  | { readonly kind: "not-ours" };

type AdmitDeps = Pick<WorkerDeps, "metadata" | "workerId">;

/**
 * Decides whether a run may start, and if so makes it running, this worker's, and the holder of its server's lease.
 * Admissions of one server happen one at a time (a short lease of their own), so two runs that exclude each other
 * cannot both see the place free.
 */
export async function admitRun(deps: AdmitDeps, run: Run): Promise<Admission> {
  if (run.serverId === null) return await claim(deps, run, null);
  const gate = await passGate(deps, run.serverId, run.id);
  if (gate === null) return { kind: "waiting" };
  try {
    const blocker = blockerOf(run, await deps.metadata.runs.unfinished([run.serverId]));
    if (blocker !== null) return await wait(deps, run, waitingSentence(blocker));
    return await claimWithLease(deps, run, run.serverId);
  } finally {
    await deps.metadata.leases.release(gate);
  }
}

async function claimWithLease(deps: AdmitDeps, run: Run, serverId: string): Promise<Admission> {
  const key = leaseKeyOf(run.kind, serverId);
  if (key === null) return await claim(deps, run, null);
  const request = { key, workerId: deps.workerId, runId: run.id, ttlMs: leaseTtlMs };
  const lease = await deps.metadata.leases.acquire(request);
  if (lease !== null) return await claim(deps, run, lease);
  const holder = await deps.metadata.leases.holder(key);
  const whom = holder?.runId == null ? "another worker" : `${holder.runKind ?? "unknown"} run ${holder.runId}`;
  return await wait(deps, run, `waiting for ${whom}`);
}

async function claim(deps: AdmitDeps, run: Run, lease: HeldLease | null): Promise<Admission> {
  const free = async () => {
    if (lease !== null) await deps.metadata.leases.release(lease);
  };
  try {
    const claimed = await deps.metadata.runs.claim(run.id, deps.workerId);
    if (claimed.claimed) return { kind: "admitted", run: claimed.run, lease };
  } catch (error) {
    throw await joinCleanup(error, free);
  }
  await free();
  return { kind: "not-ours" };
}

async function wait(deps: AdmitDeps, run: Run, reason: string): Promise<Admission> {
  const waits = await deps.metadata.runs.setWaiting(run.id, reason);
  return { kind: waits ? "waiting" : "not-ours" };
}

/** Held for a few milliseconds; a holder that died frees it by its expiry. Null: not within the time, ring again later. */
async function passGate(deps: AdmitDeps, serverId: string, runId: string): Promise<HeldLease | null> {
  for (let attempt = 0; attempt < gateAttempts; attempt++) {
    const gate = await deps.metadata.leases.acquire({
      key: `server:${serverId}:admission`,
      workerId: deps.workerId,
      // Leases tell holders of one worker apart by their run: admissions of one worker exclude each other too.
      runId,
      ttlMs: gateTtlMs,
    });
    if (gate !== null) return gate;
    await new Promise((resolve) => setTimeout(resolve, gateRetryMs));
  }
  return null;
}

const gateTtlMs = 10_000;
const gateRetryMs = 50;
const gateAttempts = 240;
