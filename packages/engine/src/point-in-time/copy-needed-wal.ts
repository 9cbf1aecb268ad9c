import { type FileHandle, mkdir, open } from "node:fs/promises";
import { type Clock, formatBytes, joinCleanup } from "@tidemark/kit";
import { type ServerLimits, timelineHistoryName } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { type ActControl, ProgressMeter, throwIfCancelled } from "../act.ts";
import type { RestorePlan } from "../restore/plan-restore.ts";
import type { RestorePlaces } from "../restore/restore-places.ts";
import { syncDirectory } from "../restore/restore-target.ts";
import { LimitsInWal } from "./limits-in-wal.ts";
import type { NeededSegment, RecoveryPlan } from "./recovery-request.ts";

/**
 * Where WAL waits for a recovery that needs nobody else. In `pg_wal`, so that no later base backup takes it along and
 * pg_verifybackup passes it over; in a folder of its own there, so that it comes to the recovery as from any archive:
 * in preference to what the backup holds of the same segments, which may be less (a standby's last one).
 */
export const neededWalFolder = "pg_wal/tidemark";

/** Relative paths are below the data directory. Only a file that is not there may answer 1: all else must end the recovery. */
export const copiedRestoreCommand = `test -d ${neededWalFolder} || exit 200; test -f "${neededWalFolder}/%f" || exit 1; cp "${neededWalFolder}/%f" "%p" || exit 200`;

/** Gives the space back once the server has a timeline of its own: from there on nothing asks for it again. */
export const copiedRecoveryEndCommand = `rm -rf ${neededWalFolder}`;

export interface CopyNeededWal {
  readonly archive: WalArchive;
  readonly plan: RestorePlan;
  readonly recovery: RecoveryPlan;
  readonly places: RestorePlaces;
  readonly control: ActControl;
  readonly clock: Clock;
}

/**
 * Puts every segment and history a recovery reads into the restored directory, owned and durable. Gives the limits that
 * the source was given after the backup, which the restored server has to meet; null: they stayed.
 */
export async function copyNeededWal(copy: CopyNeededWal): Promise<ServerLimits | null> {
  const { recovery, control, places, plan, clock } = copy;
  const folder = places.below(neededWalFolder);
  await mkdir(folder, { recursive: true, mode: plan.facts.dataDirectoryMode });
  const count = recovery.segments.length;
  const message = `copying ${count} WAL segments (${formatBytes(recovery.storedBytes)} stored, ${formatBytes(recovery.plainBytes)} unpacked) into ${neededWalFolder}`;
  control.emit({ kind: "phase", phase: "copying-wal", message });
  const progress = new ProgressMeter(control, clock, recovery.plainBytes);
  // All of them, not only those of the way: a server that is promoted takes the next number that has no history.
  for (const timeline of recovery.histories) {
    const name = timelineHistoryName(timeline);
    await finish(copy, await writeWalFile(copy, name, copy.archive.read(name, { signal: control.signal })));
  }
  const limits = new LimitsInWal(Math.floor(plan.facts.serverVersion / 10_000));
  // One is made durable while the next is read.
  let finishing: Promise<void> = Promise.resolve();
  try {
    for (const segment of recovery.segments) {
      limits.begin(segment);
      const handle = await copySegment(copy, segment, limits, progress);
      await finishing;
      finishing = finish(copy, handle, segment.sizeBytes);
      // It is awaited with the next one.
      finishing.catch(() => undefined);
    }
  } catch (error) {
    throw await joinCleanup(error, () => finishing);
  }
  await finishing;
  await ownFolder(plan, folder);
  progress.finish();
  return limits.highest;
}

/**
 * One that was in the making when it was planned may be whole, or longer, by now. A recovery to the end of the WAL is
 * given nothing behind the planned end; the rest of the segment is zeros, as behind a server's own last record.
 */
async function copySegment(
  copy: CopyNeededWal,
  segment: NeededSegment,
  limits: LimitsInWal,
  progress: ProgressMeter,
): Promise<FileHandle> {
  const { archive, control, recovery } = copy;
  const { name, timeline, startLsn, sizeBytes } = segment;
  const partial = segment.isPartial ? await archive.partialOf({ timeline, startLsn, sizeBytes }) : null;
  const body = partial === null ? archive.read(name, { signal: control.signal }) : partial.read();
  const isOpen = recovery.recoverAs.kind === "latest" && timeline === recovery.timeline;
  const end = recovery.through.lsn - startLsn;
  const keptBytes = isOpen && end < BigInt(sizeBytes) ? Number(end) : sizeBytes;
  const handle = await writeWalFile(copy, name, firstBytes(body, keptBytes), (chunk) => {
    limits.push(chunk);
    progress.add(chunk.length);
  });
  return handle;
}

/** To its end all the same: what is behind is checked with the rest. */
async function* firstBytes(body: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of body) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
  }
}

async function writeWalFile(
  { places, control }: CopyNeededWal,
  name: string,
  body: AsyncIterable<Uint8Array>,
  onChunk?: (chunk: Uint8Array) => void,
): Promise<FileHandle> {
  const handle = await open(places.below(`${neededWalFolder}/${name}`), "w", 0o600);
  try {
    for await (const chunk of body) {
      throwIfCancelled(control.signal);
      await handle.writeFile(chunk);
      onChunk?.(chunk);
    }
    return handle;
  } catch (error) {
    throw await joinCleanup(error, () => handle.close());
  }
}

/** A segment has its whole size: what is missing at its end are zeros. */
async function finish({ plan }: CopyNeededWal, handle: FileHandle, sizeBytes: number | null = null): Promise<void> {
  try {
    if (sizeBytes !== null) await handle.truncate(sizeBytes);
    await handle.chmod(plan.facts.dataDirectoryMode & 0o640);
    if (plan.owner !== null) await handle.chown(plan.owner.uid, plan.owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function ownFolder(plan: RestorePlan, folder: Buffer): Promise<void> {
  const handle = await open(folder, "r");
  try {
    if (plan.owner !== null) await handle.chown(plan.owner.uid, plan.owner.gid);
  } finally {
    await handle.close();
  }
  await syncDirectory(folder);
}
