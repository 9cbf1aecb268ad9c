import { AppError } from "@tidemark/kit";
import { requireServer } from "../open-server.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { mirrorWal } from "./mirror-wal.ts";
import type { SharedRepositories } from "./shared-repositories.ts";

interface MirrorDeps extends Pick<WorkerDeps, "metadata" | "logger" | "clock"> {
  readonly repositories: SharedRepositories;
}

/**
 * Reads from the repository what could not be recorded of a server's WAL, one server after the other. Asked for when a
 * server is claimed (its last receiver may have died with rows unwritten) and when rows had no room. What fails is asked for
 * again by the reconciler's pass over the whole catalogue.
 */
export class WalMirror {
  readonly #deps: MirrorDeps;
  readonly #wanted = new Set<string>();
  readonly #stopping = new AbortController();
  #working: Promise<void> | null = null;

  constructor(deps: MirrorDeps) {
    this.#deps = deps;
  }

  request(serverId: string): void {
    this.#wanted.add(serverId);
    if (this.#stopping.signal.aborted) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new AppError("interrupted", { message: "the worker was stopped" }));
    await this.#working;
  }

  async #work(): Promise<void> {
    for (const serverId of this.#wanted) {
      if (this.#stopping.signal.aborted) return;
      this.#wanted.delete(serverId);
      try {
        await this.#mirror(serverId);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#deps.logger.warn(
          { err: error, serverId },
          "the WAL in the repository could not be compared with its rows",
        );
      }
    }
  }

  async #mirror(serverId: string): Promise<void> {
    const server = await requireServer(this.#deps, serverId);
    const lent = await this.#deps.repositories.borrowAny(server.repositoryId);
    try {
      const area = lent.repository.area(server.areaId);
      await mirrorWal(this.#deps, server, server.repositoryId, area, this.#stopping.signal);
    } finally {
      lent.giveBack();
    }
  }
}
