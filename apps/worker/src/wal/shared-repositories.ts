import type { Repository } from "@tidemark/repository";
import { openRegisteredRepository } from "../open-repository.ts";
import type { WorkerDeps } from "../worker-deps.ts";

type OpenDeps = Pick<WorkerDeps, "metadata" | "settings" | "key" | "clock" | "onStep" | "logger">;

export interface LentRepository {
  readonly repository: Repository;
  giveBack(): void;
}

interface Shared {
  readonly opening: Promise<Repository>;
  users: number;
  idle: NodeJS.Timeout | null;
}

/**
 * Open repositories for acts that last or come often: twenty receivers of one repository share its threads and buffers, and
 * a copied segment does not derive a key anew. One that nobody has is closed after a while.
 */
export class SharedRepositories {
  readonly #deps: OpenDeps;
  readonly #open = new Map<string, Shared>();

  constructor(deps: OpenDeps) {
    this.#deps = deps;
  }

  /** `settings` names what it is opened with: who begins after a change gets one that was opened after it. */
  async borrow(repositoryId: string, settings: string): Promise<LentRepository> {
    const key = `${repositoryId} ${settings}`;
    const shared = this.#open.get(key) ?? {
      opening: openRegisteredRepository(this.#deps, repositoryId),
      users: 0,
      idle: null,
    };
    this.#open.set(key, shared);
    shared.users++;
    if (shared.idle !== null) clearTimeout(shared.idle);
    shared.idle = null;
    let isOut = true;
    const giveBack = () => {
      if (!isOut) return;
      isOut = false;
      if (--shared.users > 0) return;
      shared.idle = setTimeout(() => void this.#close(key, shared), keptIdleMs);
    };
    try {
      return { repository: await shared.opening, giveBack };
    } catch (error) {
      // It was never open: the next one tries again.
      isOut = false;
      shared.users--;
      if (this.#open.get(key) === shared) this.#open.delete(key);
      throw error;
    }
  }

  /** For acts without settings of their own to follow: opened anew now and then, so that changed keys count. */
  async borrowAny(repositoryId: string): Promise<LentRepository> {
    return await this.borrow(repositoryId, `since ${Math.floor(this.#deps.clock.monotonicMs() / anewEveryMs)}`);
  }

  /** Closes those nobody has; all of them when every user is done. */
  async close(): Promise<void> {
    const idle = [...this.#open].filter(([, shared]) => shared.users === 0);
    await Promise.all(idle.map(([key, shared]) => this.#close(key, shared)));
  }

  async #close(key: string, shared: Shared): Promise<void> {
    if (shared.users > 0) return;
    if (shared.idle !== null) clearTimeout(shared.idle);
    if (this.#open.get(key) === shared) this.#open.delete(key);
    try {
      await (await shared.opening).close();
    } catch (error) {
      this.#deps.logger.debug({ err: error }, "a repository was not closed");
    }
  }
}

const keptIdleMs = 30_000;
const anewEveryMs = 600_000;
