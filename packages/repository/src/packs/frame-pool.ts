import { Worker } from "node:worker_threads";
import { AppError } from "@tidemark/kit";
import type { FrameEncoder, FrameJob, FrameOutcome } from "../types.ts";
import type { WalBlockJob, WalBlockOutcome } from "../wal/seal-wal-block.ts";
import { type FrameAnswer, FrameMemory } from "./frame-memory.ts";
import type { OpenFrameJob, OpenFrameOutcome } from "./open-frame.ts";
import type { FrameFailure, FrameReply, FrameRequest, PlacedJob, WalBlockAnswer } from "./serve-frames.ts";

export interface FramePoolOptions {
  /** Worker threads; they start when they are needed, see `start`. */
  readonly threads: number;
  /** A script that calls `serveFrames`. Default: one that inspects nothing. */
  readonly workerScript?: URL;
}

/**
 * Worker threads that encode and open frames. Jobs go to the thread with the fewest. A frame is encoded where it is, in a
 * `FrameMemory`; what is to be opened is transferred.
 */
export class FramePool implements FrameEncoder {
  readonly pipelineDepth: number;
  readonly readDepth: number;
  readonly #options: FramePoolOptions;
  #members: Member[] = [];
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
  async encode(job: FrameJob): Promise<FrameOutcome> {
    if (this.#closed) throw poolError("the frame pool is closed");
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
    await Promise.all(members.map((member) => member.stop()));
  }

  #leastBusy(): Member {
    this.#members = this.#members.filter((member) => member.alive);
    const idle = this.#members.find((member) => member.waiting === 0);
    if (idle !== undefined) return idle;
    const areWorthMore = this.#members.every(({ answered }) => answered >= framesBeforeAnother);
    if (areWorthMore && this.#members.length < this.#options.threads) return this.#begin();
    return this.#members.reduce((best, member) => (member.waiting < best.waiting ? member : best));
  }

  #begin(): Member {
    const member = new Member(this.#options.workerScript ?? new URL("./frame-worker.ts", import.meta.url));
    this.#members.push(member);
    return member;
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

interface Waiting {
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

class Member {
  alive = true;
  /** Frames it has encoded or opened. */
  answered = 0;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #memories = new Map<SharedArrayBuffer, { readonly number: number; readonly memory: FrameMemory }>();
  #nextId = 1;

  constructor(script: URL) {
    this.#worker = new Worker(script);
    this.#worker.unref();
    this.#worker.on("message", (reply: FrameReply) => this.#receive(reply));
    this.#worker.on("error", (cause) => this.#die(poolError("a frame worker failed", cause)));
    this.#worker.on("exit", (code) => this.#die(poolError(`a frame worker ended with code ${code}`)));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  async open(job: OpenFrameJob): Promise<OpenFrameOutcome> {
    const outcome = await this.#post((id) => ({ id, kind: "open", job }), [job.stored.buffer as ArrayBuffer]);
    this.answered++;
    return outcome as OpenFrameOutcome;
  }

  /** One after another in one thread, with one message there and one back; an error for each frame that failed. */
  async encode(jobs: readonly FrameJob[]): Promise<(FrameOutcome | Error)[]> {
    const placed = jobs.map((job) => this.#place(job));
    const sent = placed.map((place) => place.sent);
    const answers = (await this.#post((id) => ({ id, kind: "encode", jobs: sent }), [])) as readonly (
      | FrameAnswer
      | FrameFailure
    )[];
    this.answered += jobs.length;
    return jobs.map(({ parts }, index) => {
      const [answer, place] = [answers[index], placed[index]];
      if (answer === undefined || place === undefined) throw poolError("a frame worker left out a frame");
      return isFailure(answer) ? frameError(answer) : place.memory.outcome(answer, parts);
    });
  }

  async sealWal(jobs: readonly WalBlockJob[]): Promise<WalBlockOutcome[]> {
    const placed = jobs.map((job) => this.#place(job));
    const sent = placed.map((place) => place.sent);
    const answers = (await this.#post((id) => ({ id, kind: "wal", jobs: sent }), [])) as readonly WalBlockAnswer[];
    this.answered += jobs.length;
    return placed.map(({ memory }, index) => {
      const answer = answers[index];
      if (answer === undefined) throw poolError("a frame worker left out a block of WAL");
      return { stored: [memory.box(answer.at, answer.storedBytes)], leaf: answer.leaf };
    });
  }

  #place<Job extends { readonly plain: Uint8Array }>(
    job: Job,
  ): { readonly memory: FrameMemory; readonly sent: PlacedJob<Job> } {
    const { plain } = job;
    if (!FrameMemory.holds(plain)) throw new RangeError("a frame is encoded in memory that is shared");
    const shared = plain.buffer as SharedArrayBuffer;
    const known = this.#memories.get(shared);
    const { number, memory } = known ?? { number: this.#memories.size, memory: new FrameMemory(shared) };
    if (known === undefined) this.#memories.set(shared, { number, memory });
    const place = { plain: null, memory: number, plainBytes: plain.length };
    return { memory, sent: known === undefined ? { ...job, ...place, shared } : { ...job, ...place } };
  }

  #post(request: (id: number) => FrameRequest, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // Only work keeps the process alive, not an idle pool.
      if (this.#waiting.size === 1) this.#worker.ref();
      try {
        this.#worker.postMessage(request(id), [...transfer]);
      } catch (error) {
        // It cannot be cloned. Nothing was sent, so that no answer will come.
        this.#settle(id);
        // Memories of this request count as sent: each is named anew.
        this.#memories.clear();
        reject(error);
      }
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(reply: FrameReply): void {
    const waiting = this.#settle(reply.id);
    if ("failure" in reply) waiting?.reject(frameError({ ...reply, kind: "failed", systemCode: null }));
    else waiting?.resolve(reply.outcome);
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    return waiting;
  }

  #die(error: AppError): void {
    this.alive = false;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

function isFailure(answer: FrameAnswer | FrameFailure): answer is FrameFailure {
  return answer !== null && "failure" in answer;
}

/** A system error stays what it is: whoever asked knows the file and says it better. */
function frameError({ failure, systemCode }: FrameFailure): Error {
  if (systemCode !== null) return Object.assign(new Error(failure), { code: systemCode, syscall: "read" });
  return poolError(`a frame could not be worked on: ${failure}`);
}

function poolError(message: string, cause?: unknown): AppError {
  return new AppError("internal", { message, cause });
}
