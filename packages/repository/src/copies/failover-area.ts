import { AppError } from "@tidemark/kit";
import { isStoreTrouble } from "@tidemark/storage";
import type { PackHold } from "../collection/pack-hold.ts";
import type { FrameSource, ManifestReader, Mark, ServerArea, StoredBackup } from "../types.ts";
import { FailoverFrames } from "./failover-frames.ts";
import { failoverWal } from "./failover-wal.ts";
import { StallGuard } from "./stall-guard.ts";

/** Something that had to come from the second repository; `second`: what could not, since that one is away, too. */
export interface FailoverNote {
  readonly what: "repository" | "list" | "manifest" | "marks" | "pack" | "wal" | "second";
  /** The backup's or pack's id, the name of WAL; null for the repositories and the list. */
  readonly id: string | null;
  /** Why not from the first; or, of `second`, why not from there. */
  readonly reason: string;
}

export interface FailoverOptions {
  /** Called once for each thing that came from the second. */
  readonly onNote?: (note: FailoverNote) => void;
  /**
   * How long the first may take to answer before it is given up. Default 60 s: above the time-outs and repeated tries of
   * the drivers, so that only a place that hangs is left.
   */
  readonly stallMs?: number;
}

/**
 * A server's area that reads from the first repository and, where that fails, from the second, which holds copies of its
 * backups: per manifest and per pack when an object is missing or damaged there, and for everything from then on once
 * the first cannot be reached or hangs. For one act: the next one asks the first again. Nothing is written through it but
 * marks, which go to the first alone.
 */
export function failoverArea(primary: ServerArea, second: ServerArea, options: FailoverOptions = {}): ServerArea {
  const reader = new FailoverReader(primary, second, options);
  return new Proxy(primary, {
    get(area, name) {
      if (refused.has(name)) return () => Promise.reject(readsOnly(String(name)));
      const own: unknown = name in reader.reads ? reader.reads[name as keyof typeof reader.reads] : undefined;
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(area, name, area);
      return typeof value === "function" ? value.bind(area) : value;
    },
  });
}

const refused: ReadonlySet<string | symbol> = new Set(["beginBackup", "deleteBackup", "executeCollection"]);

function readsOnly(name: string): AppError {
  return new AppError("repository-read-only", {
    message: `${name} is not for an area that falls over to a second repository`,
  });
}

class FailoverReader {
  readonly reads: Pick<
    ServerArea,
    "listBackups" | "openManifest" | "marks" | "frames" | "holdPacks" | "wal" | "walIdentifiers"
  >;
  readonly #primary: ServerArea;
  readonly #second: ServerArea;
  readonly #onNote: (note: FailoverNote) => void;
  readonly #guard: StallGuard;
  readonly #noted = new Set<string>();
  /** Why the first was given up, or null. */
  #down: string | null = null;

  constructor(primary: ServerArea, second: ServerArea, options: FailoverOptions) {
    this.#primary = primary;
    this.#second = second;
    this.#onNote = options.onNote ?? (() => undefined);
    this.#guard = new StallGuard(options.stallMs ?? 60_000);
    this.reads = {
      listBackups: () => this.#listBackups(),
      openManifest: (backupId) => this.#openManifest(backupId),
      marks: (backupId) => this.#marks(backupId),
      frames: () => this.#frames(),
      holdPacks: (kind) => this.#holdPacks(kind),
      wal: (systemIdentifier) =>
        failoverWal(primary.wal(systemIdentifier), second.wal(systemIdentifier), {
          onNote: (name, reason) => this.#note("wal", name, reason),
          ...(options.stallMs === undefined ? {} : { stallMs: options.stallMs }),
        }),
      walIdentifiers: () => this.#walIdentifiers(),
    };
  }

  /** Both lists together: a backup whose manifest is lost in one place is there in the other. */
  async #listBackups(): Promise<readonly StoredBackup[]> {
    const first = await this.#try("list", null, () => this.#primary.listBackups());
    if (!first.ok) return this.#second.listBackups();
    const copies = await this.#guard.within(this.#second.listBackups()).catch((error: unknown) => {
      // The first's list is whole without it, and shorter only by what it lost.
      if (!isStoreTrouble(error)) throw error;
      this.#note("second", null, error instanceof Error ? error.message : String(error));
      return [];
    });
    const known = new Map(copies.filter(({ damaged }) => damaged === null).map((copy) => [copy.backupId, copy]));
    const backups = first.value.map((backup) => {
      const copy = backup.damaged === null ? undefined : known.get(backup.backupId);
      if (copy !== undefined) this.#note("list", backup.backupId, backup.damaged ?? "");
      return copy ?? backup;
    });
    for (const { backupId } of first.value) known.delete(backupId);
    return [...backups, ...known.values()].sort(
      (a, b) => startOf(a) - startOf(b) || (a.backupId < b.backupId ? -1 : 1),
    );
  }

  async #openManifest(backupId: string): Promise<ManifestReader> {
    let first = await this.#try("manifest", backupId, () => this.#primary.openManifest(backupId));
    if (first.ok) {
      // Gone over once, so that damage in the middle is found now and not when half is restored. Each part has the time
      // of one answer: a large manifest takes minutes from a place that does not hang.
      const manifest = first.value;
      const files = manifest.files()[Symbol.asyncIterator]();
      for (let isOver = false; first.ok && !isOver; ) {
        const part = await this.#try("manifest", backupId, () => passSome(files));
        if (part.ok) isOver = part.value;
        else first = part;
      }
    }
    if (first.ok) return first.value;
    return this.#second
      .openManifest(backupId)
      .catch((error: unknown) => Promise.reject(bothFailed(first.error, error)));
  }

  async #marks(backupId: string): Promise<readonly Mark[]> {
    const first = await this.#try("marks", backupId, () => this.#primary.marks(backupId));
    return first.ok ? first.value : this.#second.marks(backupId);
  }

  /** In both places, since either may be read. One that cannot be asked is no reason not to read the other. */
  async #holdPacks(kind: "reader" | "copy"): Promise<PackHold> {
    const first = await this.#try("repository", null, () => this.#primary.holdPacks(kind));
    const holds = first.ok ? [first.value] : [];
    try {
      holds.push(await this.#second.holdPacks(kind));
    } catch (error) {
      if (!first.ok || !(error instanceof AppError)) throw error;
    }
    return {
      get problem() {
        return holds.find(({ problem }) => problem !== null)?.problem ?? null;
      },
      [Symbol.asyncDispose]: async () => {
        // A first that hangs by now must not keep the act from ending; its lease expires.
        await Promise.all(holds.map((hold) => this.#guard.within(release(hold)).catch(passLost)));
      },
    };
  }

  async #walIdentifiers(): Promise<readonly bigint[]> {
    const first = await this.#try("list", null, () => this.#primary.walIdentifiers());
    if (!first.ok) return this.#second.walIdentifiers();
    const copies = await this.#second.walIdentifiers().catch((error: unknown) => {
      passLost(error);
      return [];
    });
    return [...new Set([...first.value, ...copies])].sort((a, b) => (a < b ? -1 : 1));
  }

  #frames(): FrameSource {
    return new FailoverFrames(this.#primary.frames(), this.#second.frames(), {
      down: () => this.#down,
      giveUp: (error) => this.#giveUp(error),
      note: (packId, reason) => this.#note("pack", packId, reason),
      guard: this.#guard,
    });
  }

  async #try<T>(
    what: FailoverNote["what"],
    id: string | null,
    act: () => Promise<T>,
  ): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }> {
    if (this.#down !== null) return { ok: false, error: new AppError("storage-unreachable", { message: this.#down }) };
    try {
      return { ok: true, value: await this.#guard.within(act()) };
    } catch (error) {
      if (isStoreTrouble(error)) this.#giveUp(error);
      else if (!(error instanceof AppError) || !damage.has(error.code)) throw error;
      else this.#note(what, id, error.message);
      return { ok: false, error };
    }
  }

  #giveUp(error: unknown): void {
    this.#down ??= error instanceof Error ? error.message : String(error);
    this.#note("repository", null, this.#down);
  }

  #note(what: FailoverNote["what"], id: string | null, reason: string): void {
    const name = `${what} ${id}`;
    if (this.#noted.has(name)) return;
    this.#noted.add(name);
    this.#onNote({ what, id, reason });
  }
}

/** Whether nothing came after them. */
async function passSome(items: AsyncIterator<unknown>): Promise<boolean> {
  for (let count = 0; count < filesPerAnswer; count++) if ((await items.next()).done === true) return true;
  return false;
}

/** About one chunk of a manifest. */
const filesPerAnswer = 4096;

async function release(hold: PackHold): Promise<void> {
  await hold[Symbol.asyncDispose]();
}

function passLost(error: unknown): void {
  if (!isStoreTrouble(error)) throw error;
}

const damage: ReadonlySet<string> = new Set([
  "manifest-missing",
  "manifest-damaged",
  "object-missing",
  "object-damaged",
]);

/** The first's error says what is wrong; the second's, that it is no help. */
function bothFailed(first: unknown, second: unknown): unknown {
  if (!(first instanceof AppError) || !(second instanceof Error)) return first;
  const message = `${first.message}; the second repository: ${second.message}`;
  return new AppError(first.code, { message, context: first.context, cause: new AggregateError([first, second]) });
}

function startOf(backup: StoredBackup): number {
  return backup.facts?.startedAt.getTime() ?? 0;
}
