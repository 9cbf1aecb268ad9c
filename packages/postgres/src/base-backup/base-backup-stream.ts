import { AppError, type ErrorCode } from "@tidemark/kit";
import type { Capabilities } from "../session/capabilities.ts";
import { serverError } from "../session/server-error.ts";
import type { WireSession } from "../session/wire-session.ts";
import type { BackendMessage } from "../wire/backend-messages.ts";
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

/** The same as single events; see `BaseBackupStream`. */
export async function* eventsOf(
  turns: AsyncGenerator<Iterable<BaseBackupEvent>, void, undefined>,
): AsyncGenerator<BaseBackupEvent, void, undefined> {
  for await (const turn of turns) yield* turn;
}

/**
 * Asks for a base backup and gives its events, those together that have come together. Nothing is read from the socket
 * beyond a few buffers unless turns are pulled, so a slow reader slows the server down instead of filling memory.
 */
export async function* streamBaseBackup(
  wire: WireSession,
  capabilities: Capabilities,
  turn: BackupTurn,
): AsyncGenerator<Iterable<BaseBackupEvent>, void, undefined> {
  turn.begin();
  const reading = new BackupReading(wire, new BaseBackupDecoder(capabilities), turn);
  try {
    while (!reading.isComplete) {
      reading.take(await wire.receive());
      yield reading.events();
      reading.throwFailure();
    }
  } catch (error) {
    throw reading.isComplete ? error : duringBackup(error);
  } finally {
    if (!reading.isComplete) turn.abandon();
  }
}

/** A backup on its way: messages in, events out, without waiting for either. */
class BackupReading {
  isComplete = false;
  readonly #wire: WireSession;
  readonly #decoder: BaseBackupDecoder;
  readonly #turn: BackupTurn;
  readonly #members: IncrementalMembers | null;
  /** What the server said when it gave up; the events before it are taken first. */
  #failure: AppError | null = null;

  constructor(wire: WireSession, decoder: BaseBackupDecoder, turn: BackupTurn) {
    this.#wire = wire;
    this.#decoder = decoder;
    this.#turn = turn;
    this.#members = turn.incremental === undefined ? null : new IncrementalMembers(turn.incremental);
  }

  take(message: BackendMessage): void {
    if (message.kind === "error") {
      this.#failure = serverError(message.report, "replication", "the server gave up the base backup");
    } else {
      this.#decoder.push(message);
    }
  }

  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** What the messages that are there become. */
  *events(): Generator<BaseBackupEvent, void, undefined> {
    while (!this.isComplete && this.#failure === null) {
      const event = this.#decoder.next();
      if (event === null) {
        const message = this.#wire.receiveNow();
        if (message === null) return;
        this.take(message);
      } else {
        if (event.kind === "start") this.#turn.started();
        if (event.kind === "end") {
          this.isComplete = true;
          this.#turn.done();
        }
        if (this.#members === null) yield event;
        else yield* this.#members.take(event);
      }
    }
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
