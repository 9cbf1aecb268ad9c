import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { walFileKind } from "../../recovery/segment-order.ts";
import { identityOf } from "../push/file-identity.ts";
import type { PushedWal } from "../push/push-wal.ts";

export interface PushQueueDeps {
  push(path: string): Promise<PushedWal>;
  /** Says in the spool that a file is durable, before the server asks for it. */
  acknowledge(pushed: PushedWal): Promise<void>;
  /** Takes that back: the server asked, or the file is gone. */
  forget(name: string): Promise<void>;
  /** Files pushed ahead at a time. */
  readonly parallel: number;
  readonly onPushed: (pushed: PushedWal, ahead: boolean) => void;
  /** A file that was pushed ahead and could not be; the server will ask for it, and be told. */
  readonly onAheadFailed: (path: string, error: unknown) => void;
}

/**
 * What the server waits for is pushed at once; what it has said to be ready besides (`archive_status/*.ready`) is pushed
 * ahead meanwhile, in its own order, some at a time. One file is pushed once however many ask for it.
 */
export class PushQueue {
  readonly #deps: PushQueueDeps;
  /** What is under way, by path and identity. */
  readonly #running = new Map<string, Promise<PushedWal>>();
  /** What is durable and still waits to be asked for: path → identity. */
  readonly #pushed = new Map<string, string>();
  /** What failed ahead; it is left alone until it is asked for. */
  readonly #refused = new Set<string>();
  #folder: string | null = null;
  #ready: string[] = [];
  #ahead = 0;
  #isPaused = false;
  #looking: Promise<void> | null = null;
  #stopped = false;

  constructor(deps: PushQueueDeps) {
    this.#deps = deps;
  }

  /** Resolves when the file is durable. Throws why it is not. */
  async ask(path: string): Promise<void> {
    const identity = await identityOf(path).catch(() => null);
    this.#refused.delete(path);
    if (identity === null || this.#pushed.get(path) !== identity) {
      const pushing = this.#pushOnce(path, identity);
      this.lookAhead(path);
      this.#deps.onPushed(await pushing, false);
    }
    // Answered: should the server ask again all the same (it crashed before it noted it), the file is looked at anew.
    this.#isPaused = false;
    this.lookAhead(path);
  }

  /** Also pushes what lies ready beside this file. */
  lookAhead(path: string): void {
    this.#folder = dirname(path);
    this.#fill();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
    await Promise.allSettled(this.#running.values());
  }

  async #pushOnce(path: string, identity: string | null): Promise<PushedWal> {
    const key = `${path} ${identity}`;
    let pushing = this.#running.get(key);
    if (pushing === undefined) {
      pushing = this.#deps.push(path).finally(() => this.#running.delete(key));
      this.#running.set(key, pushing);
    }
    const pushed = await pushing;
    this.#pushed.set(path, pushed.identity);
    return pushed;
  }

  #fill(): void {
    if (this.#looking !== null || this.#stopped || this.#isPaused) return;
    if (this.#ready.length === 0) {
      this.#looking = this.#look()
        .catch((error: unknown) => this.#deps.onAheadFailed(this.#folder ?? "", error))
        .finally(() => {
          this.#looking = null;
          if (this.#ready.length > 0) this.#fill();
        });
      return;
    }
    while (this.#ahead < this.#deps.parallel) {
      const path = this.#ready.shift();
      if (path === undefined) return;
      void this.#pushAhead(path);
    }
  }

  async #pushAhead(path: string): Promise<void> {
    this.#ahead++;
    try {
      const identity = await identityOf(path);
      if (this.#pushed.get(path) === identity) return;
      const pushed = await this.#pushOnce(path, identity);
      await this.#deps.acknowledge(pushed);
      this.#deps.onPushed(pushed, true);
    } catch (error) {
      // Whether the repository is away or this one file is at fault: nothing more ahead until something worked again.
      this.#refused.add(path);
      this.#isPaused = true;
      this.#deps.onAheadFailed(path, error);
    } finally {
      this.#ahead--;
      this.#fill();
    }
  }

  /** What the server has ready, in the order in which it asks (pgarch.c, ready_file_comparator): histories first. */
  async #look(): Promise<void> {
    const folder = this.#folder;
    if (folder === null) return;
    const names = (await readdir(join(folder, "archive_status")).catch((): string[] => []))
      .filter((name) => name.endsWith(".ready"))
      .map((name) => name.slice(0, -".ready".length))
      .filter((name) => walFileKind(name) !== null);
    const ready = new Set(names.map((name) => join(folder, name)));
    await this.#forgetDone(ready);
    const running = new Set([...this.#running.keys()].map((key) => key.slice(0, key.lastIndexOf(" "))));
    const order = (name: string): string => (walFileKind(name) === "history" ? `0${name}` : `1${name}`);
    this.#ready = names
      .sort((a, b) => (order(a) < order(b) ? -1 : 1))
      .map((name) => join(folder, name))
      .filter((path) => !this.#pushed.has(path) && !this.#refused.has(path) && !running.has(path))
      .slice(0, mostAhead);
  }

  async #forgetDone(ready: ReadonlySet<string>): Promise<void> {
    for (const path of [...this.#pushed.keys()]) {
      if (ready.has(path)) continue;
      this.#pushed.delete(path);
      await this.#deps.forget(basename(path));
    }
    for (const path of [...this.#refused]) if (!ready.has(path)) this.#refused.delete(path);
  }
}

/** Looked for at a time; so many seconds of work that reading a long folder again does not show. */
const mostAhead = 64;
