import { parentPort } from "node:worker_threads";
import { systemErrorCode } from "@tidemark/kit/app-error";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { forgetKeys } from "../seal/gmac.ts";
import type { FrameInspector, FrameJob } from "../types.ts";
import { sealWalBlock, type WalBlockJob } from "../wal/seal-wal-block.ts";
import { encodeFrame, type Fingerprinter, loadFingerprinter } from "./frame-kernel.ts";
import { type FrameAnswer, FrameMemory } from "./frame-memory.ts";
import { type OpenFrameJob, openFrame } from "./open-frame.ts";
import { readFrame } from "./read-frame.ts";

export type FrameRequest =
  | { readonly id: number; readonly kind: "encode"; readonly jobs: readonly FrameRequestJob[] }
  | { readonly id: number; readonly kind: "open"; readonly job: OpenFrameJob }
  | { readonly id: number; readonly kind: "wal"; readonly jobs: readonly PlacedJob<WalBlockJob>[] }
  /** Nothing of what came before is needed any more; it is not answered. */
  | { readonly id: number; readonly kind: "forget" };

/** A job whose plain bytes are the first ones of a `FrameMemory`, sent along the first time a thread hears of it. */
export type PlacedJob<Job extends { readonly plain: Uint8Array }> = Omit<Job, "plain"> & {
  readonly plain: null;
  readonly memory: number;
  readonly shared?: SharedArrayBuffer;
  readonly plainBytes: number;
};

export type FrameRequestJob = PlacedJob<FrameJob>;

/** Where in the memory the box lies. */
export interface WalBlockAnswer {
  readonly at: number;
  readonly storedBytes: number;
  readonly leaf: Uint8Array | null;
}

export type FrameReply =
  | { readonly id: number; readonly outcome: unknown }
  | { readonly id: number; readonly failure: string };

/** In the place of an answer: this frame could not be encoded. Those that came with it are not touched by that. */
export interface FrameFailure {
  readonly kind: "failed";
  readonly failure: string;
  /** Where it is the system that would not give what was to be read. */
  readonly systemCode: string | null;
}

/**
 * Makes this worker thread a member of a `FramePool`. A worker script is one call: `serveFrames()`, or
 * `serveFrames(inspector)` to look at the plain bytes of what passes. A thread may serve other requests besides: those have no
 * `kind`, and are left to whoever serves them.
 */
export function serveFrames(inspector?: FrameInspector): void {
  const port = parentPort;
  if (port === null) throw new Error("serveFrames is for worker threads");
  const fingerprinters = new Map<string, Promise<Fingerprinter>>();
  const fingerprinterFor = (seed: Uint8Array): Promise<Fingerprinter> => {
    const name = Buffer.from(seed).toString("hex");
    const known = fingerprinters.get(name) ?? loadFingerprinter(seed);
    fingerprinters.set(name, known);
    return known;
  };
  const memories = new Map<number, FrameMemory>();
  const answer = async (request: FrameRequest): Promise<void> => {
    if (request.kind === "forget") {
      memories.clear();
      fingerprinters.clear();
      forgetKeys();
      return;
    }
    if (request.kind === "open") {
      const outcome = openFrame(request.job);
      releaseBytes(request.job.stored);
      if (outcome.kind === "damaged") return port.postMessage({ id: request.id, outcome });
      const plain = ownBuffer(outcome.plain);
      return port.postMessage({ id: request.id, outcome: { kind: "plain", plain } }, [plain.buffer]);
    }
    if (request.kind === "wal") return port.postMessage({ id: request.id, outcome: request.jobs.map(sealPlaced) });
    const outcome: (FrameAnswer | FrameFailure)[] = [];
    for (const job of request.jobs) outcome.push(await encode(job).catch(asFailure));
    port.postMessage({ id: request.id, outcome });
  };
  const memoryOf = ({ memory: number, shared }: Pick<FrameRequestJob, "memory" | "shared">): FrameMemory => {
    if (shared !== undefined) memories.set(number, new FrameMemory(shared));
    const memory = memories.get(number);
    if (memory === undefined) throw new Error(`the memory ${number} was never sent`);
    return memory;
  };
  const sealPlaced = (placed: PlacedJob<WalBlockJob>): WalBlockAnswer => {
    const memory = memoryOf(placed);
    const job = { ...placed, plain: memory.plain.subarray(0, placed.plainBytes) };
    const { apart } = memory.room;
    const { stored, leaf } = sealWalBlock(job, { apart });
    const [box, ...others] = stored;
    if (box === undefined) throw new Error("a box of WAL has no parts");
    if (others.length === 0) return { at: box.byteOffset, storedBytes: box.length, leaf };
    let storedBytes = 0;
    for (const part of stored) {
      apart.set(part, storedBytes);
      storedBytes += part.length;
    }
    return { at: apart.byteOffset, storedBytes, leaf };
  };
  const encode = async (placed: FrameRequestJob): Promise<FrameAnswer> => {
    const memory = memoryOf(placed);
    const job = { ...placed, plain: memory.plain.subarray(0, placed.plainBytes) };
    const fingerprinter = await fingerprinterFor(job.fingerprintSeed);
    const { read } = job;
    const outcome =
      read === undefined
        ? encodeFrame(job, fingerprinter, inspector, memory.room)
        : readFrame({ ...job, read }, fingerprinter, inspector, memory.room);
    return memory.keep(outcome);
  };
  port.on("message", (request: FrameRequest | { readonly kind?: undefined }) => {
    if (request.kind === undefined) return;
    answer(request).catch((error: unknown) => {
      port.postMessage({ id: request.id, failure: asFailure(error).failure });
    });
  });
}

function asFailure(error: unknown): FrameFailure {
  if (!(error instanceof Error)) return { kind: "failed", failure: String(error), systemCode: null };
  if ("syscall" in error) return { kind: "failed", failure: error.message, systemCode: systemErrorCode(error) ?? null };
  return { kind: "failed", failure: error.stack ?? error.message, systemCode: null };
}

/** Small results of zlib come from Node's shared pool, which cannot be transferred. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength) {
    return bytes as Uint8Array<ArrayBuffer>;
  }
  return new Uint8Array(bytes);
}
