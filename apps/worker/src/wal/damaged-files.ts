import type { WalFileKey } from "@tidemark/metadata";
import type { WalEntry } from "@tidemark/repository";
import type { WorkerDeps } from "../worker-deps.ts";

/**
 * What verifications found damaged of WAL that is no whole segment, while the archive is listed: one in the making that
 * became whole since is no longer what a restore reads, and of a history or file that was removed nothing is wrong.
 */
export class DamagedFiles {
  readonly #wal: WorkerDeps["metadata"]["wal"];
  /** By system identifier and name. */
  readonly #known = new Map<string, WalFileKey>();
  readonly #there = new Set<string>();
  readonly #whole = new Set<string>();

  private constructor(wal: WorkerDeps["metadata"]["wal"]) {
    this.#wal = wal;
  }

  /** Before the archive is listed: what is found damaged meanwhile is for the next look. */
  static async of(
    { metadata: { wal } }: Pick<WorkerDeps, "metadata">,
    { serverId, repositoryId }: Pick<WalFileKey, "serverId" | "repositoryId">,
  ): Promise<DamagedFiles> {
    const files = new DamagedFiles(wal);
    for (const row of await wal.damagedFiles([serverId])) {
      if (row.repositoryId === repositoryId) files.#known.set(`${row.systemIdentifier} ${row.name}`, row);
    }
    return files;
  }

  note(systemIdentifier: bigint, { kind, name }: Pick<WalEntry, "kind" | "name">): void {
    const text = `${systemIdentifier} ${name}`;
    // Its pieces may be listed before it or behind it.
    if (kind === "segment") {
      if (this.#known.has(`${text}.partial`)) this.#whole.add(`${text}.partial`);
    } else if (this.#known.has(text)) this.#there.add(text);
  }

  async forgetGone(): Promise<void> {
    for (const [text, key] of this.#known) {
      // Pieces that are not there at all, and no segment either, may be what was lost: that is a verification's to say.
      const isOver = key.name.endsWith(".partial") ? this.#whole.has(text) : !this.#there.has(text);
      if (isOver) await this.#wal.recordFileVerdict(key, null);
    }
  }
}
