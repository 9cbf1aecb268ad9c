import type { WalBoard } from "@tidemark/metadata";

export interface Division {
  /** Servers to claim now. */
  readonly claim: readonly string[];
  /** One to give back, because another worker has clearly fewer; null: none. */
  readonly giveBack: string | null;
}

export interface DivideRequest {
  readonly board: WalBoard;
  readonly workerId: string;
  /** Those this worker has, also what is being stopped. */
  readonly held: ReadonlySet<string>;
  /** Servers nobody had at the last look either: whoever's turn they were did not take them. */
  readonly waiting: ReadonlySet<string>;
  /** Given back a moment ago: for others now. */
  readonly cooling: ReadonlySet<string>;
}

/**
 * Which servers a worker claims. Each worker takes its fair share of those nobody has; what is left after a look is
 * taken by whoever has room, since a server without a receiver is worse than a worker with one too many. A worker that
 * has two more than another one with room gives one back at a time, so that a worker that joins gets its part.
 */
export function divideServers({ board, workerId, held, waiting, cooling }: DivideRequest): Division {
  const self = board.workers.find((one) => one.workerId === workerId);
  if (self === undefined) return { claim: [], giveBack: null };
  const free = board.candidates.filter((one) => one.workerId === null && !held.has(one.serverId));
  const share = Math.min(self.capacity, Math.ceil(board.candidates.length / board.workers.length));
  const claim: string[] = [];
  for (const { serverId } of free) {
    const count = held.size + claim.length;
    const isOurs = count < share || (waiting.has(serverId) && count < self.capacity);
    if (isOurs && !cooling.has(serverId)) claim.push(serverId);
  }
  return { claim, giveBack: claim.length > 0 || free.length > 0 ? null : toGiveBack(board, workerId, held) };
}

function toGiveBack(board: WalBoard, workerId: string, held: ReadonlySet<string>): string | null {
  const others = board.workers.filter((one) => one.workerId !== workerId && one.held < one.capacity);
  const fewest = Math.min(...others.map((one) => one.held));
  if (!Number.isFinite(fewest) || held.size - fewest < 2) return null;
  // Only the one with the most gives, or several would give to the same one at once.
  const most = Math.max(...board.workers.map((one) => (one.workerId === workerId ? held.size : one.held)));
  if (held.size < most) return null;
  return [...held].sort().at(-1) ?? null;
}
