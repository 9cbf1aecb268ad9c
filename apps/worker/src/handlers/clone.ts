import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { cloneRoot, makeClone } from "@tidemark/engine";
import { AppError, describeError } from "@tidemark/kit";
import { seal } from "@tidemark/kit/sealed-text";
import type { CloneRow } from "@tidemark/metadata";
import { cloneResult, cloneTimes, folderBytes, hereDeps, standingChange } from "../clones/clone-facts.ts";
import { requireServer } from "../open-server.ts";
import { withReadableArea } from "../readable-area.ts";
import type { RunHandler } from "../run-context.ts";
import { cloneFolder } from "../scratch.ts";
import { trialTargetOf } from "../trial-target.ts";
import type { WorkerDeps } from "../worker-deps.ts";

/**
 * Makes the clone of a row that waits for it. It runs on when this run ends, kept by the clone keeper of this machine;
 * one that cannot be made ends as failed, and nothing of it is left.
 */
export const cloneHandler: RunHandler<"clone"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const row = await claimRow(deps, request.cloneId);
  try {
    const maxBytes = await allowedBytes(deps, row, request.maxBytes);
    const target = request.target === null ? null : trialTargetOf(request.target);
    const { cloneId, backupId, timeline, action } = request;
    const standing = await withReadableArea(deps, server, control, (area) =>
      makeClone(
        { ...hereDeps(deps), area },
        { cloneId, backupId, target, timeline, action, maxBytes, ...cloneTimes },
        control,
      ),
    );
    await control.onStep?.("clone:before-running");
    const change = standingChange(standing, await folderBytes(standing.root));
    const running = await deps.metadata.clones.update(cloneId, change, ["preparing"]);
    if (running === null) throw new AppError("clone-expired", { message: "its time was over before it was made" });
    const open = await awaitGate(deps, cloneId, control.signal);
    return { kind: "done", result: cloneResult(open, standing, deps.settings.hostname) };
  } catch (error) {
    const { code, message } = describeError(error);
    await deps.metadata.clones.update(request.cloneId, { state: "failed", error: { code, message } }, ["preparing"]);
    throw error;
  }
};

/** Says where it will lie before anything does, so that whoever sweeps this machine knows it. */
async function claimRow(deps: WorkerDeps, cloneId: string): Promise<CloneRow> {
  const password = randomBytes(passwordBytes).toString("base64url");
  const row = await deps.metadata.clones.update(
    cloneId,
    {
      workerId: deps.workerId,
      hostname: deps.settings.hostname,
      path: await cloneRoot(cloneFolder(deps.settings), cloneId),
      sealedPassword: await seal(deps.key.publicKey, password),
    },
    ["preparing"],
  );
  if (row !== null) return row;
  throw new AppError("clone-expired", { message: `clone ${cloneId} does not wait to be made` });
}

/** Throws `clone-limit` when there are as many as there may be; gives what is left of the space for them. */
async function allowedBytes(deps: WorkerDeps, row: CloneRow, asked: string | null): Promise<bigint | null> {
  const { clonesMax, clonesMaxBytes, hostname } = deps.settings;
  const living = await deps.metadata.clones.list({ living: true });
  // Of two that are made at once the one asked for first counts before the other.
  const before = living.filter((one) => one.hostname === hostname && one.id !== row.id && isBefore(one, row));
  if (before.length >= clonesMax) {
    throw new AppError("clone-limit", {
      message: `${before.length} clones live on ${hostname} already, which is as many as there may be`,
      hint: "end one of them, or raise CLONES_MAX of the worker",
    });
  }
  const used = before.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0n), 0n);
  const left = clonesMaxBytes === null ? null : clonesMaxBytes > used ? clonesMaxBytes - used : 0n;
  if (asked === null) return left;
  return left === null || BigInt(asked) < left ? BigInt(asked) : left;
}

function isBefore(one: CloneRow, other: CloneRow): boolean {
  if (one.state !== "preparing") return true;
  const age = one.createdAt.getTime() - other.createdAt.getTime();
  return age < 0 || (age === 0 && one.id < other.id);
}

/** The keeper of this machine lets people in within a pass; without one the clone would be of no use to anybody. */
export async function awaitGate(
  deps: Pick<WorkerDeps, "metadata" | "clock">,
  cloneId: string,
  signal: AbortSignal,
): Promise<CloneRow> {
  const startedMs = deps.clock.monotonicMs();
  for (;;) {
    const row = await deps.metadata.clones.get(cloneId);
    if (row === null || row.endedAt !== null) throw new AppError("clone-expired", { message: "the clone has ended" });
    if (row.port !== null && row.workerId !== null) return row;
    if (deps.clock.monotonicMs() - startedMs > gateMs) {
      throw new AppError("drill-not-possible", { message: "the clone runs, but no worker lets anybody in" });
    }
    await delay(gatePollMs, undefined, { signal });
  }
}

const passwordBytes = 24;
const gateMs = 60_000;
const gatePollMs = 100;
