import type { ActControl } from "@tidemark/engine";
import type { Metadata, Server } from "@tidemark/metadata";
import { copyWal, type ServerArea } from "@tidemark/repository";
import type { WorkerDeps } from "../worker-deps.ts";
import { keepCopyPace } from "./copy-pace.ts";
import { mirrorWal } from "./mirror-wal.ts";
import { segmentRow } from "./segment-row.ts";

interface Areas {
  readonly source: ServerArea;
  readonly target: ServerArea;
}

export interface WalCopied {
  readonly segments: number;
  readonly bytes: bigint;
  /** Sentences. */
  readonly failed: readonly string[];
}

/** Brings WAL in a copy run, and makes the rows of the second repository's WAL what it holds. */
export async function copyServerWal(
  deps: Pick<WorkerDeps, "metadata" | "logger">,
  server: Server,
  areas: Areas,
  control: ActControl,
  maxRateKib: number | null,
): Promise<WalCopied> {
  control.emit({ kind: "phase", phase: "copying-wal", message: "copying WAL to the second repository" });
  const copied = await bringMissingWal(deps, server, areas, { signal: control.signal, maxRateKib });
  await mirrorWal(deps, server, server.copyToId ?? "", areas.target, control.signal);
  return copied;
}

/**
 * Brings the WAL to a second repository that it lacks: what a receiver's copier could not bring, what was pushed, and
 * what there was before the server had a second repository. Nothing is brought that no backup there comes before: its
 * retention would only remove it again.
 */
export async function bringMissingWal(
  deps: { readonly metadata: Pick<Metadata, "wal"> },
  server: Server,
  { source, target }: Areas,
  { signal, maxRateKib }: { readonly signal: AbortSignal; readonly maxRateKib: number | null },
): Promise<WalCopied> {
  const repositoryId = server.copyToId ?? "";
  const total = { segments: 0, bytes: 0n, failed: [] as string[] };
  for (const systemIdentifier of await source.walIdentifiers()) {
    const from = await oldestNeed(target, systemIdentifier);
    if (from === null) continue;
    const [archive, copies] = [source.wal(systemIdentifier), target.wal(systemIdentifier)];
    const report = await copyWal(archive, copies, {
      from,
      signal,
      onCopied: async ({ kind, name, outcome }) => {
        if (kind !== "segment" || outcome !== "stored") return;
        const stored = await copies.describe(name);
        if (stored === null) return;
        const about = { server, repositoryId, systemIdentifier };
        await deps.metadata.wal.recordSegments([segmentRow(about, stored)]);
        total.bytes += BigInt(stored.storedBytes);
        await keepCopyPace(stored.storedBytes, maxRateKib, signal);
      },
    });
    total.segments += report.copiedSegments;
    total.failed.push(...report.failed.map(({ name, reason }) => `WAL ${name}: ${reason}`));
  }
  return total;
}

/** The segment in which the oldest backup of this cluster in the second repository begins; null: it has none. */
async function oldestNeed(target: ServerArea, systemIdentifier: bigint): Promise<bigint | null> {
  let oldest: bigint | null = null;
  for (const { facts } of await target.listBackups()) {
    if (facts === null || facts.systemIdentifier !== systemIdentifier) continue;
    const start = facts.startLsn - (facts.startLsn % BigInt(facts.walSegmentSizeBytes));
    if (oldest === null || start < oldest) oldest = start;
  }
  return oldest;
}
