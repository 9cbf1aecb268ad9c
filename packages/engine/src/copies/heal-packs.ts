import { AppError, type Clock } from "@tidemark/kit";
import { healManifest, healPack, type ServerArea, unfinishedHealings } from "@tidemark/repository";
import { type ActControl, cancellation, reachStep } from "../act.ts";

export interface HealDeps {
  /** What is to be healed. */
  readonly damaged: ServerArea;
  /** The same server's area in another repository, with copies. */
  readonly copies: ServerArea;
  readonly clock: Clock;
}

export interface HealReport {
  /** Packs that were missing or damaged and are whole again. */
  readonly healedPacks: readonly string[];
  /** Backups whose manifest could not be read and can be again. */
  readonly healedManifests: readonly string[];
  /** What neither place can give, as sentences. */
  readonly lost: readonly string[];
  readonly checkedPacks: number;
}

/**
 * Reads every pack that the server's backups point into, and brings back from the copies what is missing or damaged: the
 * manifests that cannot be read first, then the packs. What is whole is not touched; nothing comes back that was deleted.
 * Running it again, also after dying anywhere, does only what is left to do.
 */
export async function healPacks(deps: HealDeps, control: ActControl): Promise<HealReport> {
  const healing = new Healing(deps, control);
  control.emit({ kind: "phase", phase: "healing", message: "looking for what is damaged or missing" });
  await healing.manifests();
  await healing.packs();
  return healing;
}

class Healing implements HealReport {
  readonly healedPacks: string[] = [];
  readonly healedManifests: string[] = [];
  readonly lost: string[] = [];
  checkedPacks = 0;
  readonly #deps: HealDeps;
  readonly #control: ActControl;

  constructor(deps: HealDeps, control: ActControl) {
    this.#deps = deps;
    this.#control = control;
  }

  /** A manifest that cannot be read is still listed, so it is known whose place it takes; one half healed is noted. */
  async manifests(): Promise<void> {
    const { damaged, copies } = this.#deps;
    const begun = await unfinishedHealings(damaged);
    const listed = (await damaged.listBackups()).filter(({ backupId }) => !begun.includes(backupId));
    const unread: string[] = [];
    for (const { backupId, damaged: why } of listed) {
      if (why !== null || !(await this.#isReadable(backupId))) unread.push(backupId);
    }
    for (const backupId of [...begun, ...unread]) {
      await this.#attempt(`the manifest of ${backupId}`, async () => {
        await healManifest(damaged, copies, backupId, this.#control.signal);
        this.healedManifests.push(backupId);
      });
    }
  }

  /** A list reads only the beginnings of manifests. One that was deleted meanwhile needs no healing. */
  async #isReadable(backupId: string): Promise<boolean> {
    try {
      const manifest = await this.#deps.damaged.openManifest(backupId);
      for await (const _ of manifest.files()) if (this.#control.signal.aborted) break;
      return true;
    } catch (error) {
      if (!(error instanceof AppError) || !unreadable.has(error.code)) throw error;
      return error.code === "manifest-missing";
    }
  }

  async packs(): Promise<void> {
    const { damaged, copies } = this.#deps;
    for (const packId of await this.#packIds()) {
      await this.#attempt(`pack ${packId}`, async () => {
        const { was } = await healPack(damaged, copies, packId, { signal: this.#control.signal });
        this.checkedPacks++;
        if (was === "whole") return;
        this.healedPacks.push(packId);
        this.#control.emit({ kind: "log", level: "info", message: `pack ${packId} was ${was} and is whole again` });
      });
    }
  }

  async #packIds(): Promise<ReadonlySet<string>> {
    const { damaged } = this.#deps;
    const packIds = new Set<string>();
    for (const { backupId, damaged: why } of await damaged.listBackups()) {
      if (why !== null) continue;
      try {
        for (const packId of await (await damaged.openManifest(backupId)).packIds()) packIds.add(packId);
      } catch (error) {
        // Said already, as lost, or deleted since.
        if (!(error instanceof AppError) || !unreadable.has(error.code)) throw error;
      }
    }
    return packIds;
  }

  async #attempt(what: string, act: () => Promise<void>): Promise<void> {
    const { signal } = this.#control;
    await reachStep(this.#control, "heal:before-object");
    try {
      await act();
    } catch (error) {
      if (signal.aborted) throw cancellation(signal);
      if (!(error instanceof AppError) || !lost.has(error.code)) throw error;
      this.lost.push(`${what}: ${error.message}`);
      this.#control.emit({ kind: "log", level: "warning", message: `${what} cannot be healed: ${error.message}` });
    }
  }
}

const unreadable: ReadonlySet<string> = new Set(["manifest-missing", "manifest-damaged"]);
const lost: ReadonlySet<string> = new Set([
  "pack-condemned",
  "pack-missing",
  "pack-damaged",
  "manifest-missing",
  "manifest-damaged",
]);
