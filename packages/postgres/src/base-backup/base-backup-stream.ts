import { AppError, type ErrorCode } from "@tidemark/kit";
import type { Capabilities } from "../session/capabilities.ts";
import { serverError } from "../session/server-error.ts";
import type { WireSession } from "../session/wire-session.ts";
import { BaseBackupDecoder } from "./base-backup-decoder.ts";
import type { BaseBackupEvent } from "./base-backup-events.ts";
import type { RelationLayout } from "./incremental-header.ts";
import { IncrementalMembers } from "./incremental-members.ts";

/** What the session does around a backup. */
export interface BackupTurn {
  /** Takes the session and sends the command; called when the first event is pulled. */
  readonly begin: () => void;
  /** The copy flows: from now on a server that falls silent hangs. */
  readonly started: () => void;
  /** It is complete; the session can be used again. */
  readonly done: () => void;
  /** It failed or was left: the session is of no more use. */
  readonly abandon: () => void;
  /** Set for an incremental copy. */
  readonly incremental: RelationLayout | undefined;
}

/**
 * Asks for a base backup and gives its events. Nothing is read from the socket beyond a few buffers unless
 * events are pulled, so a slow reader slows the server down instead of filling memory.
 */
export async function* streamBaseBackup(
  wire: WireSession,
  capabilities: Capabilities,
  turn: BackupTurn,
): AsyncGenerator<BaseBackupEvent, void, undefined> {
  turn.begin();
  const decoder = new BaseBackupDecoder(capabilities);
  const members = turn.incremental === undefined ? null : new IncrementalMembers(turn.incremental);
  let isComplete = false;
  try {
    while (!isComplete) {
      const event = decoder.next();
      if (event === null) {
        const message = await wire.receive();
        if (message.kind === "error")
          throw serverError(message.report, "replication", "the server gave up the base backup");
        decoder.push(message);
      } else {
        if (event.kind === "start") turn.started();
        if (event.kind === "end") {
          isComplete = true;
          turn.done();
        }
        if (members === null) yield event;
        else yield* members.take(event);
      }
    }
  } catch (error) {
    throw isComplete ? error : duringBackup(error);
  } finally {
    if (!isComplete) turn.abandon();
  }
}

/** A session that ends is one thing; a session that ends in the middle of a backup has a code of its own. */
function duringBackup(error: unknown): unknown {
  if (!(error instanceof AppError) || !lostCodes.has(error.code)) return error;
  return new AppError("backup-session-lost", {
    message: `the server's session ended in the middle of the base backup: ${error.message}`,
    hint: "nothing of this copy counts as a backup, and older ones are untouched; take it again when the server is back",
    context: error.context,
    cause: error,
  });
}

const lostCodes: ReadonlySet<ErrorCode> = new Set([
  "connection-lost",
  "connection-timeout",
  "server-shutting-down",
  "server-starting",
]);
