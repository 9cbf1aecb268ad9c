import type { Clock, IdKind } from "@tidemark/kit";
import { idPrefixes } from "@tidemark/kit";
import type { MemoryStore } from "@tidemark/storage";
import { openRepository } from "../../open-repository.ts";
import type { FramePool } from "../../packs/frame-pool.ts";
import type { RepositoryStep } from "../../steps.ts";
import type { ServerArea } from "../../types.ts";
import { Killed, ProcessStore } from "./model-store.ts";

/** The one clock of a run. A process may see it with an offset. */
export class ModelClock implements Clock {
  nowMs = new Date("2026-01-01T00:00:00.000Z").getTime();
  readonly #offsetMs: number;
  readonly #base: ModelClock | null;

  constructor(base: ModelClock | null = null, offsetMs = 0) {
    this.#base = base;
    this.#offsetMs = offsetMs;
  }

  now(): Date {
    return new Date((this.#base?.nowMs ?? this.nowMs) + this.#offsetMs);
  }

  monotonicMs(): number {
    return this.#base?.nowMs ?? this.nowMs;
  }
}

/** What all processes of a run share. */
export interface ModelHost {
  readonly store: MemoryStore;
  readonly clock: ModelClock;
  readonly openers: FramePool;
  readonly exclusiveCreate: boolean;
  nextId(): number;
}

/** Where a process stops: it stands still there until it is resumed, or dies. */
export interface StopAt {
  readonly step: RepositoryStep;
  readonly how: "pause" | "kill";
}

/** Stands in for a program with a repository open, on a host with a clock of its own. */
export class ModelProcess {
  isDead = false;
  stopAt: StopAt | null = null;
  readonly clock: ModelClock;
  readonly store: ProcessStore;
  #area: ServerArea | null = null;
  readonly #host: ModelHost;
  readonly #timers = new Map<() => void, { readonly everyMs: number; dueMs: number }>();
  #gate: { readonly promise: Promise<void>; readonly open: () => void } | null = null;
  #onPaused: (() => void) | null = null;

  constructor(host: ModelHost, offsetMs: number) {
    this.#host = host;
    this.clock = new ModelClock(host.clock, offsetMs);
    this.store = new ProcessStore(host.store, this, host.exclusiveCreate);
  }

  get isPaused(): boolean {
    return this.#gate !== null;
  }

  get isAlive(): boolean {
    return !this.isDead && !this.isPaused;
  }

  async area(): Promise<ServerArea> {
    if (this.#area !== null) return this.#area;
    const repository = await openRepository(this.store, {
      clock: this.clock,
      openers: this.#host.openers,
      compression: { algorithm: "none" },
      newId: (kind: IdKind) => `${idPrefixes[kind]}_${String(this.#host.nextId()).padStart(26, "0")}`,
      onStep: (step) => this.#reach(step),
      every: (everyMs, act) => {
        this.#timers.set(act, { everyMs, dueMs: this.#host.clock.nowMs + everyMs });
        return () => this.#timers.delete(act);
      },
    });
    this.#area = repository.area("srv_1");
    return this.#area;
  }

  async beat(): Promise<void> {
    while (this.#gate !== null) await this.#gate.promise;
    if (this.isDead) throw new Killed("the process is dead");
  }

  /** Ends when the act does, or when the process stops in the middle of it. */
  async until<T>(act: Promise<T>): Promise<void> {
    const paused = new Promise<void>((resolve) => {
      this.#onPaused = resolve;
    });
    await Promise.race([act.then(nothing, nothing), paused]);
  }

  pause(): void {
    if (this.#gate !== null) return;
    let open = nothing;
    const promise = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#gate = { promise, open };
    this.#onPaused?.();
  }

  resume(): void {
    const gate = this.#gate;
    this.#gate = null;
    gate?.open();
  }

  kill(): void {
    this.isDead = true;
    this.#timers.clear();
    this.resume();
  }

  /** What timers do once the run's clock has moved. */
  runTimers(): void {
    if (!this.isAlive) return;
    for (const [act, timer] of [...this.#timers]) {
      if (timer.dueMs > this.#host.clock.nowMs) continue;
      timer.dueMs = this.#host.clock.nowMs + timer.everyMs;
      act();
    }
  }

  async #reach(step: RepositoryStep): Promise<void> {
    if (this.stopAt?.step === step) {
      const { how } = this.stopAt;
      this.stopAt = null;
      if (how === "kill") this.kill();
      else this.pause();
    }
    await this.beat();
  }
}

function nothing(): void {
  return;
}
