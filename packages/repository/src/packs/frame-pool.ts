import { Worker } from "node:worker_threads";
import { AppError } from "@tidemark/kit";
import { keptWorkers } from "@tidemark/kit/worker-shelf";
import type { FrameEncoder, FrameJob, FrameOutcome } from "../types.ts";
import type { WalBlockJob, WalBlockOutcome } from "../wal/seal-wal-block.ts";
import { FrameThread, poolError } from "./frame-thread.ts";
import type { OpenFrameJob, OpenFrameOutcome } from "./open-frame.ts";

export interface FramePoolOptions {
  /** Worker threads; they start when they are needed, see `start`. */
  readonly threads: number;
  /** A script that calls `serveFrames`. Default: one that inspects nothing. */
  readonly workerScript?: URL;
  /** Threads that are idle when the pool is closed wait for whoever needs one of the same script next (`keptWorkers`). */
  readonly keepsThreads?: boolean;
}

/**
 * Worker threads that encode and open frames. Jobs go to the thread with the fewest. A frame is encoded where it is, in a
 * `FrameMemory`; what is to be opened is transferred.
 */
export class FramePool implements FrameEncoder {
  readonly pipelineDepth: number;
  readonly readDepth: number;
  readonly #options: FramePoolOptions;
  #members: FrameThread[] = [];
  #closed = false;
  /** Frames that go to one thread together. */
  #gathered: GatheredFrames | null = null;

  constructor(options: FramePoolOptions) {
    if (!Number.isInteger(options.threads) || options.threads < 1) {
      throw new AppError("bad-request", { message: `a frame pool needs at least one thread, not ${options.threads}` });
    }
    this.#options = options;
    // As many together being worked on, and waiting, per thread, and some on their way; 270 KiB each.
    this.pipelineDepth = (options.threads * 2 + 1) * framesTogether;
    this.readDepth = this.pipelineDepth;
  }

  /**
   * A thread takes a tenth of a second until it works, most of it for loading modules, and the start of one that is not needed
   * costs the others as much.
   */
  start(threads: number): void {
    while (!this.#closed && this.#members.length < Math.min(threads, this.#options.threads)) this.#begin();
  }

  /**
   * A frame is not worth a message: each wakes two threads, which took as long as a third of the work where threads read
   * themselves (80 of 350 µs, measured 2026-11). What is asked for within a moment is sent together.
   */
  encode(job: FrameJob): Promise<FrameOutcome> {
    if (this.#closed) return Promise.reject(poolError("the frame pool is closed"));
    const gathered = this.#gathered ?? { jobs: [], waiting: [] };
    if (this.#gathered === null) {
      this.#gathered = gathered;
      gathered.timer = setTimeout(() => this.#send(gathered), gatherMs);
    }
    return new Promise((resolve, reject) => {
      gathered.jobs.push(job);
      gathered.waiting.push({ resolve, reject });
      if (gathered.jobs.length >= framesTogether) this.#send(gathered);
    });
  }

  #send(gathered: GatheredFrames): void {
    if (this.#gathered === gathered) this.#gathered = null;
    clearTimeout(gathered.timer);
    const jobs = gathered.jobs.splice(0);
    if (jobs.length === 0) return;
    this.#encodeTogether(jobs).then(
      (all) => {
        for (const [index, outcome] of all.entries()) {
          if (outcome instanceof Error) gathered.waiting[index]?.reject(outcome);
          else gathered.waiting[index]?.resolve(outcome);
        }
      },
      (error: unknown) => {
        for (const { reject } of gathered.waiting) reject(error);
      },
    );
  }

  /** Async for its errors: that no thread can be begun is thrown at once, and nobody is there to catch it. */
  async #encodeTogether(jobs: readonly FrameJob[]): Promise<(FrameOutcome | Error)[]> {
    if (this.#closed) throw poolError("the frame pool is closed");
    return this.#leastBusy().encode(jobs);
  }

  async open(job: OpenFrameJob): Promise<OpenFrameOutcome> {
    if (this.#closed) throw poolError("the frame pool is closed");
    return this.#leastBusy().open(job);
  }

  /** Seals blocks of WAL one after another in one thread; all of them or a throw. */
  async sealWal(jobs: readonly WalBlockJob[]): Promise<WalBlockOutcome[]> {
    if (this.#closed) throw poolError("the frame pool is closed");
    return (this.#members.find(({ alive }) => alive) ?? this.#begin()).sealWal(jobs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const members = this.#members;
    this.#members = [];
    await Promise.all(members.map((member) => (this.#keeps(member) ? undefined : member.stop())));
  }

  #keeps(member: FrameThread): boolean {
    const worker = this.#options.keepsThreads === true ? member.leave() : null;
    return worker !== null && keptWorkers.give(this.#script, worker);
  }

  #leastBusy(): FrameThread {
    this.#members = this.#members.filter((member) => member.alive);
    const idle = this.#members.find((member) => member.waiting === 0);
    if (idle !== undefined) return idle;
    const areWorthMore = this.#members.every(({ answered }) => answered >= framesBeforeAnother);
    if (this.#members.length < this.#options.threads) {
      const kept = this.#takeKept();
      if (kept !== null) return kept;
      if (areWorthMore) return this.#begin();
    }
    return this.#members.reduce((best, member) => (member.waiting < best.waiting ? member : best));
  }

  #begin(): FrameThread {
    const kept = this.#takeKept();
    if (kept !== null) return kept;
    const member = new FrameThread(new Worker(this.#script));
    this.#members.push(member);
    return member;
  }

  /** One that is ready costs nothing to take. */
  #takeKept(): FrameThread | null {
    const worker = this.#options.keepsThreads === true ? keptWorkers.take(this.#script) : null;
    if (worker === null) return null;
    const kept = new FrameThread(worker);
    this.#members.push(kept);
    return kept;
  }

  get #script(): URL {
    return this.#options.workerScript ?? new URL("./frame-worker.ts", import.meta.url);
  }
}

/** 24 MiB in whole frames, some 100 ms of work: who has less to do is done before another thread has begun. */
const framesBeforeAnother = 192;

interface GatheredFrames {
  readonly jobs: FrameJob[];
  readonly waiting: { readonly resolve: (outcome: FrameOutcome) => void; readonly reject: (error: unknown) => void }[];
  timer?: NodeJS.Timeout;
}

/** One MiB of a file or a stream. */
const framesTogether = 8;

/** A turn of the event loop brings a frame or two of a stream; this is less than a thread needs for the frames before. */
const gatherMs = 2;
