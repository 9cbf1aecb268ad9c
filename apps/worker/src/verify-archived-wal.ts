import {
  type AcknowledgedWal,
  type VerifyWalReport,
  verifyWal,
  type WalFileVerdict,
  type WalVerdict,
} from "@tidemark/engine";
import type { DamagedWalRow, Server, WalReceiverRow, WalSegmentKey } from "@tidemark/metadata";
import type { ServerArea } from "@tidemark/repository";
import type { RunContext } from "./run-context.ts";
import { beginBackupAfter } from "./wal/note-gap.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type KnownDamage = ReadonlyMap<string, DamagedWalRow>;

/**
 * Verifies what a repository has of a server's archived WAL, as deep and as much of it as the run asks. What is found stands
 * in the rows as it goes: a run that is begun anew goes on there, and what is damaged is no part of the recovery window
 * from then on. Where no other repository has it that is a gap, and a backup begins unless one lies behind it already.
 */
export async function verifyArchivedWal(
  { run, request, control, deps }: RunContext<"verify">,
  server: Server,
  repositoryId: string,
  area: ServerArea,
): Promise<VerifyWalReport> {
  const { wal } = deps.metadata;
  const place = { serverId: server.id, repositoryId };
  const { tier, subset } = request;
  const known = await damageBefore(deps, server.id, repositoryId);
  const sound = tier === "whole" ? await wal.soundSince(place, run.createdAt) : [];
  const isSound = new Set(sound.map(placeText));
  const keyOf = ({ systemIdentifier, timeline, startLsn }: Omit<WalVerdict, "name" | "sizeBytes" | "damage">) => ({
    ...place,
    systemIdentifier: String(systemIdentifier),
    timeline,
    startLsn,
  });
  const keep = async (verdicts: readonly WalVerdict[]) => {
    const isWhole = tier === "whole";
    const rows = verdicts.map((verdict) => ({ ...keyOf(verdict), isWhole, damage: verdict.damage }));
    await wal.recordVerdicts(rows, deps.clock.now());
    for (const row of rows) await forgetHealed(deps, row, known);
  };
  const files = new Set<string>();
  const keepFile = async ({ systemIdentifier, name, damage }: WalFileVerdict) => {
    files.add(`${systemIdentifier} ${name}`);
    await wal.recordFileVerdict({ ...place, systemIdentifier: String(systemIdentifier), name }, damage);
  };
  const isKnownSound = (segment: Parameters<typeof keyOf>[0]) => isSound.has(placeText(keyOf(segment)));
  const report = await verifyWal(
    { area, clock: deps.clock },
    {
      ...{ tier, subset, keep, keepFile, ...(isSound.size === 0 ? {} : { isKnownSound }) },
      ...(repositoryId === server.repositoryId ? { acknowledged: () => acknowledgedTo(deps, server.id) } : {}),
    },
    control,
  );
  // What was damaged and is no more in the archive at all, such as WAL that retention has removed.
  for (const row of subset === null && tier !== "metadata" ? await wal.damagedFiles([server.id]) : []) {
    if (row.repositoryId !== repositoryId || files.has(`${row.systemIdentifier} ${row.name}`)) continue;
    await wal.recordFileVerdict(row, null);
  }
  await noteDamage(deps, server);
  return report;
}

/** Up to where the receiver at work has told its server that its WAL is durable; null: none is at work. */
async function acknowledgedTo({ metadata }: WorkerDeps, serverId: string): Promise<AcknowledgedWal | null> {
  const [receiver] = await metadata.walReceivers.ofServers([serverId]);
  // Of one that stopped the row stays as it was, whatever retention removes afterwards.
  if (receiver === undefined || receiver.workerId === null || !atWork.has(receiver.state)) return null;
  const { systemIdentifier, timeline, flushedLsn } = receiver;
  if (systemIdentifier === null || timeline === null || flushedLsn === null) return null;
  return { systemIdentifier: BigInt(systemIdentifier), timeline, lsn: flushedLsn };
}

const atWork: ReadonlySet<string> = new Set<WalReceiverRow["state"]>(["streaming", "catching-up"]);

async function damageBefore(deps: WorkerDeps, serverId: string, repositoryId: string): Promise<KnownDamage> {
  const rows = await deps.metadata.wal.damaged([serverId]);
  return new Map(rows.filter((row) => row.repositoryId === repositoryId).map((row) => [placeText(row), row]));
}

/** One that was damaged and is sound was put back: what it held can be recovered again. */
async function forgetHealed(
  deps: WorkerDeps,
  verdict: WalSegmentKey & { readonly isWhole: boolean; readonly damage: string | null },
  known: KnownDamage,
): Promise<void> {
  const before = known.get(placeText(verdict));
  if (before === undefined || verdict.damage !== null || !verdict.isWhole) return;
  await deps.metadata.wal.forgetGap({ ...before, fromLsn: before.startLsn });
}

/** Of WAL that is damaged wherever it is, and that a kept backup needs. */
async function noteDamage(deps: WorkerDeps, server: Server): Promise<void> {
  const lost = (await deps.metadata.wal.damaged([server.id])).filter(({ isElsewhere }) => !isElsewhere);
  if (lost.length === 0) return;
  const backups = (await deps.metadata.backups.ofServer(server.id)).filter(({ state }) => state === "restorable");
  for (const { serverId, systemIdentifier, timeline, startLsn, sizeBytes, damage } of lost) {
    const toLsn = startLsn + BigInt(sizeBytes);
    const stops = backups.flatMap((backup) =>
      backup.systemIdentifier === systemIdentifier && backup.stopLsn !== null ? [backup.stopLsn] : [],
    );
    if (!stops.some((stop) => stop < toLsn)) continue;
    const cause = `its segment is damaged in the repository: ${damage}`;
    const gap = await deps.metadata.wal.recordGap({
      ...{ serverId, systemIdentifier, timeline, fromLsn: startLsn, toLsn, cause },
    });
    if (gap.runId === null && !stops.some((stop) => stop >= toLsn)) await beginBackupAfter(deps, server, gap);
  }
}

function placeText({ systemIdentifier, timeline, startLsn }: WalSegmentKey): string {
  return `${systemIdentifier} ${timeline} ${startLsn}`;
}
