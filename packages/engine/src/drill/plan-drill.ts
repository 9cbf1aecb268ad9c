import { type Clock, formatBytes } from "@tidemark/kit";
import { findServerUser } from "@tidemark/local-postgres";
import type { RecoveryTarget, TargetRequest } from "@tidemark/policy";
import type { ServerArea } from "@tidemark/repository";
import { listCatalog } from "../catalog.ts";
import type { RecoveryRequest } from "../point-in-time/recovery-request.ts";
import { planRestore, type RestorePlan } from "../restore/plan-restore.ts";
import { walRoom } from "../restore/restore-checks.ts";
import type { ScratchPlace } from "./scratch.ts";

/**
 * To where a drill or a clone recovers. `behind`: so many milliseconds before the last commit that is archived, so that
 * a window is proven and not only its end.
 */
export type TrialTarget = RecoveryTarget | { readonly kind: "behind"; readonly ms: number };

export interface TrialGoal {
  /** Null: the newest usable backup, or the one a recovery to the target starts from. */
  readonly backupId: string | null;
  /** Null: the end of the archived WAL when there is any, else the end of the backup. */
  readonly target: TrialTarget | null;
  readonly timeline: TargetRequest["timeline"];
  readonly action: "pause" | "promote";
}

export interface TrialDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
}

/** Plans the restore of a copy that is started here, with its tablespaces inside its own place. Writes nothing. */
export async function planTrial(
  deps: TrialDeps,
  goal: TrialGoal,
  place: ScratchPlace,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const user = await findServerUser();
  const base = {
    backupId: goal.backupId,
    targetDirectory: place.dataDir,
    keepSignalFiles: false,
    allowedRoots: null,
    delta: false,
    databases: null,
    owner: user === null ? null : `${user.uid}:${user.gid}`,
    tablespaces: [] as readonly { readonly from: string; readonly to: string }[],
    recovery: await recoveryOf(deps, goal, signal, place),
  };
  const draft = await planRestore(deps, base, signal);
  if (draft.facts.tablespaces.length === 0) return draft;
  const tablespaces = draft.facts.tablespaces.map(({ oid }) => ({
    from: String(oid),
    to: place.tablespaceDir(oid),
  }));
  return await planRestore(deps, { ...base, backupId: draft.backupId, tablespaces }, signal);
}

/** What keeps this machine from making the copy, as a sentence: space, or a limit; null: nothing. */
export function obstacleHere(plan: RestorePlan, maxBytes: bigint | null): string | null {
  const failed = plan.checks.find(({ id, state }) => state === "failed" && !repositoryChecks.has(id));
  if (failed !== undefined) return failed.sentence;
  const needed = plan.bytesToWrite + (plan.recovery === null ? 0n : walRoom(plan.recovery));
  if (maxBytes === null || needed <= maxBytes) return null;
  return `it needs ${formatBytes(needed)}, and ${formatBytes(maxBytes)} are allowed here`;
}

/** What keeps anybody from making it, and whether that is only where it should go. */
export interface ObstacleAnywhere {
  readonly sentence: string;
  /** The target itself cannot be reached, and nothing else is wrong: another one may be. */
  readonly isTarget: boolean;
}

/** What keeps anybody from making it: the backup, its WAL, or the WAL of the way to the target; null: nothing. */
export function obstacleAnywhere(plan: RestorePlan): ObstacleAnywhere | null {
  const failed = plan.checks.filter(({ id, state }) => state === "failed" && repositoryChecks.has(id));
  const [first] = failed;
  if (first === undefined) return null;
  return { sentence: first.sentence, isTarget: failed.every(({ id }) => id === "target") };
}

async function recoveryOf(
  deps: TrialDeps,
  goal: TrialGoal,
  signal: AbortSignal,
  place: ScratchPlace,
): Promise<RecoveryRequest | null> {
  const request = (target: RecoveryTarget): RecoveryRequest => ({
    target,
    timeline: goal.timeline,
    action: goal.action,
    // Only a standby stays read-only at the end of the WAL: anybody else's recovery ends there.
    asStandby: target.kind === "latest" && goal.action === "pause",
    wal: "fetch",
    fetch: { program: "tidemark", configPath: "/dev/null" },
  });
  const { target } = goal;
  if (target === null) return (await hasWal(deps.area, goal.backupId)) ? request({ kind: "latest" }) : null;
  if (target.kind !== "behind") return request(target);
  const newest = await planRestore(
    deps,
    {
      backupId: goal.backupId,
      targetDirectory: place.dataDir,
      tablespaces: [],
      owner: null,
      keepSignalFiles: false,
      allowedRoots: null,
      delta: false,
      databases: null,
      recovery: request({ kind: "latest" }),
    },
    signal,
  );
  const at = newest.recovery?.through.at ?? null;
  // Without a commit behind the backup there is nothing to go back from.
  if (at === null) return request({ kind: "latest" });
  const wanted = new Date(at.getTime() - target.ms);
  // Nobody promised what was before the first backup: a window that is shorter yet is proven to its end.
  const first = await firstStop(deps.area, goal.backupId, newest.facts.systemIdentifier);
  return request(wanted <= first ? { kind: "latest" } : { kind: "time", at: wanted, inclusive: true });
}

/** When the first backup that may be used was complete. */
async function firstStop(area: ServerArea, backupId: string | null, systemIdentifier: bigint): Promise<Date> {
  const stops = (await listCatalog(area)).flatMap(({ backup, damaged }) => {
    const isMeant = backupId === null ? damaged === null : backup.backupId === backupId;
    return isMeant && backup.facts?.systemIdentifier === systemIdentifier ? [backup.facts.stoppedAt.getTime()] : [];
  });
  return new Date(Math.min(...stops));
}

async function hasWal(area: ServerArea, backupId: string | null): Promise<boolean> {
  const identifiers = await area.walIdentifiers();
  if (identifiers.length === 0) return false;
  const catalog = await listCatalog(area);
  const usable = catalog.filter(({ backup, damaged }) =>
    backupId === null ? damaged === null && backup.facts !== null : backup.backupId === backupId,
  );
  const newest = usable.reduce<(typeof usable)[number] | null>(
    (best, entry) => (best === null || stopOf(entry) > stopOf(best) ? entry : best),
    null,
  );
  const identifier = newest?.backup.facts?.systemIdentifier;
  return identifier !== undefined && identifiers.includes(identifier);
}

function stopOf({ backup }: { readonly backup: { readonly facts: { readonly stoppedAt: Date } | null } }): number {
  return backup.facts?.stoppedAt.getTime() ?? 0;
}

/** The checks of a plan that speak of what is stored, not of this machine. */
const repositoryChecks: ReadonlySet<string> = new Set(["backup", "wal", "target"]);
