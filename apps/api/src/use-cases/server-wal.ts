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
      // Of one that pushes the row is what it is asked, not a receiver's.
      receiver: server.walMode === "push" ? null : receiver,
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
  if (server.walMode === "push") {
    const reason = unaskedReason(server, receiver, now);
    if (reason !== null) return { kind: "unknown", reason };
  }
  return rpo({
    serverLsn: receiver?.serverLsn ?? null,
    flushedLsn: receiver?.flushedLsn ?? null,
    untoldSince: receiver === null || server.walMode === "push" ? null : untoldSince(receiver, now),
    oldestUnflushedCommitAt: null,
    lastFlushedCommit: receiver?.lastCommit ?? null,
    lastCaughtUpAt: receiver?.caughtUpAt ?? null,
    now,
  });
}

/** Why nobody knows how far a server that pushes has written: it is asked every few seconds where a connection to it is known. */
function unaskedReason(server: Server, asked: WalReceiverRow | null, now: Date): string | null {
  if (server.connection === "")
    return "it pushes its WAL by itself, and no connection to it is known: what it has not pushed yet cannot be asked";
  if (asked?.error != null && asked.state === "waiting")
    return `it cannot be asked how far it wrote: ${asked.error.message}`;
  if (asked?.serverLsn == null) return "it pushes its WAL by itself, and was not asked yet how far it wrote";
  const silentMs = now.getTime() - asked.updatedAt.getTime();
  return silentMs > unaskedAfterMs ? `no worker has asked it for ${formatAge(silentMs)} how far it wrote` : null;
}

/** Since when a receiver has not heard of its server, or nobody of the receiver. */
function untoldSince(receiver: WalReceiverRow, now: Date): Date | null {
  const { workerId, state, updatedAt, lastMessageAt, stateSince } = receiver;
  if (workerId === null || now.getTime() - updatedAt.getTime() > silentAfterMs) return lastMessageAt ?? updatedAt;
  return state === "streaming" || state === "catching-up" ? null : (lastMessageAt ?? stateSince);
}

/** Receivers say every five seconds that they live. */
export const silentAfterMs = 30_000;
/** A server that pushes is asked every ten seconds; one that answers slowly takes as long. */
const unaskedAfterMs = 60_000;

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
