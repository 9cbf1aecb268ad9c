import type { Clock } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import type { UnreachableTarget } from "@tidemark/policy";
import type { Services } from "../services.ts";
import { badField } from "./parse-input.ts";
import { type RecoveryTargetInput, readTarget, resolveTarget } from "./recovery-target.ts";

/**
 * Whether the server's recovery window says that a target can be reached. False: it cannot tell, and the repository has
 * to be asked, which may hold WAL that no row speaks of yet. Throws `bad-request` for what is out of reach for certain:
 * an instant of the future, and one before the first backup or in a gap, since WAL only ever grows at its end.
 */
export async function isPromised(
  services: Services,
  server: Server,
  input: RecoveryTargetInput,
  field = "target",
): Promise<boolean> {
  refuseFuture(input, services.clock, field);
  const { choice } = await resolveTarget(services, server, input);
  if (choice.reachable) return true;
  if (isBeforeWhatIs(choice, input)) {
    const about = input.kind === "time" ? `${field}.at` : input.kind === "lsn" ? `${field}.lsn` : field;
    throw badField(about, choice.sentence, "nothing was started; give one that the recovery window shows");
  }
  return false;
}

/**
 * Nobody can have archived yet what has not been: a drill to there would turn its server's state, a clone wait for
 * nothing. Throws `bad-request`.
 */
export function refuseFuture(input: RecoveryTargetInput, clock: Clock, field = "target"): void {
  const { target } = readTarget(input, field);
  if (target.kind !== "time" || target.at.getTime() <= clock.now().getTime() + clocksDifferMs) return;
  throw badField(
    `${field}.at`,
    "this instant lies in the future",
    "nothing was started; give one that has been, or latest",
  );
}

/** Something that can be reached lies behind it, so that it will never be. */
function isBeforeWhatIs(
  { code, nextReachable }: UnreachableTarget,
  input: Pick<RecoveryTargetInput, "kind" | "at">,
): boolean {
  if (code !== "target-unreachable" || nextReachable === null) return false;
  if (input.kind === "lsn") return true;
  if (input.kind !== "time" || input.at == null || nextReachable.at === null) return false;
  // When a copy ended is told by our clock, and the first instant after it is taken a little late.
  return new Date(input.at).getTime() < nextReachable.at.getTime() - clocksDifferMs;
}

/** Commits carry the time of the server's clock, and it need not be ours. */
const clocksDifferMs = 60_000;
