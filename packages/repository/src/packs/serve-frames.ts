import { parentPort } from "node:worker_threads";
import { releaseBytes } from "../bytes/release-bytes.ts";
import type { FrameInspector, FrameJob } from "../types.ts";
import { encodeFrame, type Fingerprinter, loadFingerprinter, type OpenFrameJob, openFrame } from "./frame-kernel.ts";
import { FrameReader } from "./read-frame.ts";

export type FrameRequest =
  | { readonly id: number; readonly kind: "encode"; readonly job: FrameJob }
  | { readonly id: number; readonly kind: "open"; readonly job: OpenFrameJob };

export type FrameReply =
  | { readonly id: number; readonly outcome: unknown }
  | { readonly id: number; readonly failure: string };

/**
 * Makes this worker thread a member of a `FramePool`. A worker script is one call: `serveFrames()`, or
 * `serveFrames(inspector)` to look at the plain bytes of what passes.
 */
export function serveFrames(inspector?: FrameInspector): void {
  const port = parentPort;
  if (port === null) throw new Error("serveFrames is for worker threads");
  const reader = new FrameReader();
  const fingerprinters = new Map<string, Promise<Fingerprinter>>();
  const fingerprinterFor = (seed: Uint8Array): Promise<Fingerprinter> => {
    const name = Buffer.from(seed).toString("hex");
    const known = fingerprinters.get(name) ?? loadFingerprinter(seed);
    fingerprinters.set(name, known);
    return known;
  };
  const answer = async (request: FrameRequest): Promise<void> => {
    if (request.kind === "open") {
      const outcome = openFrame(request.job);
      releaseBytes(request.job.stored);
      if (outcome.kind === "damaged") return port.postMessage({ id: request.id, outcome });
      const plain = ownBuffer(outcome.plain);
      return port.postMessage({ id: request.id, outcome: { kind: "plain", plain } }, [plain.buffer]);
    }
    const { job } = request;
    const fingerprinter = await fingerprinterFor(job.fingerprintSeed);
    if (job.read !== undefined) {
      const outcome = reader.encode({ ...job, read: job.read }, fingerprinter, inspector);
      const buffers = [outcome.kind === "encoded" ? outcome.stored : null, outcome.recycled ?? null];
      const transfer = buffers.flatMap((bytes) => (bytes === null ? [] : [bytes.buffer as ArrayBuffer]));
      return port.postMessage({ id: request.id, outcome }, transfer);
    }
    const outcome = encodeFrame(job, fingerprinter, inspector);
    // The job's buffer goes back with the answer: a new one of 128 KiB costs its page faults every time.
    const recycled = new Uint8Array(request.job.plain.buffer);
    const transfer = outcome.kind === "encoded" ? [recycled.buffer, outcome.stored.buffer] : [recycled.buffer];
    port.postMessage({ id: request.id, outcome: { ...outcome, recycled } }, transfer as ArrayBuffer[]);
  };
  port.on("message", (request: FrameRequest) => {
    answer(request).catch((error: unknown) => {
      port.postMessage({
        id: request.id,
        failure: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    });
  });
}

/** Small results of zlib come from Node's shared pool, which cannot be transferred. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength) {
    return bytes as Uint8Array<ArrayBuffer>;
  }
  return new Uint8Array(bytes);
}
