import { formatAge, formatBytes } from "@tidemark/kit";
import { type Metadata, type Server, type WalReceiverRow, walSlotOf } from "@tidemark/metadata";
import { type Rpo, rpo } from "@tidemark/policy";

/** How a server's WAL comes to us, and how much of it would be lost now. */
export interface ServerWal {
  readonly mode: Server["walMode"];
  readonly synchronous: boolean;
  readonly receiver: WalReceiverRow | null;
  readonly slot: (NonNullable<WalReceiverRow["slot"]> & { readonly name: string }) | null;
  readonly rpo: Rpo;
  readonly rpoSentence: string;
}

/** In the order of `servers`. */
export async function serverWals(
  metadata: Metadata,
  servers: readonly Server[],
  now: Date,
): Promise<readonly ServerWal[]> {
  const rows = await metadata.walReceivers.ofServers(servers.map(({ id }) => id));
  const receivers = new Map(rows.map((row) => [row.serverId, row]));
  return servers.map((server) => {
    const receiver = receivers.get(server.id) ?? null;
    const lost = rpoOf(server, receiver, now);
    return {
      mode: server.walMode,
      synchronous: server.synchronous,
      receiver,
      slot: receiver?.slot == null ? null : { ...receiver.slot, name: walSlotOf(server) },
      rpo: lost,
      rpoSentence: describeRpo(lost),
    };
  });
}

/** What would be lost if the server were lost now, as its receiver last told. */
export function rpoOf(server: Server, receiver: WalReceiverRow | null, now: Date): Rpo {
  if (server.walMode === "none")
    return { kind: "unknown", reason: "its WAL is not kept: only backups can be restored" };
  if (server.walMode === "push")
    return { kind: "unknown", reason: "it pushes its WAL by itself: what it has not pushed yet is not known here" };
  return rpo({
    serverLsn: receiver?.serverLsn ?? null,
    flushedLsn: receiver?.flushedLsn ?? null,
    untoldSince: receiver === null ? null : untoldSince(receiver, now),
    oldestUnflushedCommitAt: null,
    lastFlushedCommit: receiver?.lastCommit ?? null,
    lastCaughtUpAt: receiver?.caughtUpAt ?? null,
    now,
  });
}

/** Since when a receiver has not heard of its server, or nobody of the receiver. */
function untoldSince(receiver: WalReceiverRow, now: Date): Date | null {
  const { workerId, state, updatedAt, lastMessageAt, stateSince } = receiver;
  if (workerId === null || now.getTime() - updatedAt.getTime() > silentAfterMs) return lastMessageAt ?? updatedAt;
  return state === "streaming" || state === "catching-up" ? null : (lastMessageAt ?? stateSince);
}

/** Receivers say every five seconds that they live. */
export const silentAfterMs = 30_000;

function describeRpo(lost: Rpo): string {
  switch (lost.kind) {
    case "zero":
      return "nothing would be lost: everything the server wrote is durable here";
    case "unknown":
      return lost.reason;
    case "behind":
      return `${lost.certainty === "exact" ? "" : "at most "}${formatAge(lost.ageMs)} of commits would be lost (${lost.bytes === null ? "it has not told since how far it wrote" : `${formatBytes(lost.bytes)} of WAL`})`;
  }
}
