import { AppError } from "@tidemark/kit";
import { InlineEncoder, testFacts } from "../../test-repository.ts";
import type { BackupWriter, ManifestFile, ServerArea } from "../../types.ts";
import type { PackHold } from "../pack-hold.ts";
import type { ModelProcess } from "./model-process.ts";
import { Killed } from "./model-store.ts";
import type { ModelFiles, ModelWorld } from "./model-world.ts";

/** An act that may stand still or die half-way: the outcome is awaited when its process goes on. */
export class PendingAct {
  readonly process: ModelProcess;
  isSettled = false;
  error: unknown = null;
  readonly #done: Promise<void>;

  constructor(process: ModelProcess, act: () => Promise<void>) {
    this.process = process;
    this.#done = act().then(
      () => {
        this.isSettled = true;
      },
      (error: unknown) => {
        this.isSettled = true;
        this.error = error;
      },
    );
  }

  /** Until it is over, or its process stands still. What no true statement can be is thrown. */
  async rest(): Promise<void> {
    if (!this.isSettled && !this.process.isPaused) await this.process.until(this.#done);
    if (this.isSettled) assertTrue(this.error);
  }
}

/** Every act ends well, is killed, or says something a person can be told; a bug shows up as anything else. */
export function assertTrue(error: unknown): void {
  if (error === null || error instanceof Killed) return;
  if (error instanceof AppError && error.code !== "internal") return;
  if (error instanceof AggregateError) {
    for (const one of error.errors) assertTrue(one);
    return;
  }
  throw error;
}

/** A worker that takes one backup. */
export class ModelWriter {
  readonly backupId: string;
  readonly process: ModelProcess;
  readonly parentId: string | null;
  readonly #world: ModelWorld;
  readonly #files: ModelFiles;
  #rest: (readonly [string, Uint8Array])[];
  #writer: BackupWriter | null = null;
  #isWhole = true;

  constructor(world: ModelWorld, process: ModelProcess, parentId: string | null, files = world.changedFiles()) {
    this.backupId = `bak_${String(world.nextId()).padStart(26, "0")}`;
    this.process = process;
    this.parentId = parentId;
    this.#world = world;
    this.#files = files;
    this.#rest = [...this.#files];
    world.intended.set(this.backupId, this.#files);
    world.running.add(this.backupId);
  }

  get salvagedBytes(): number {
    return Number(this.#writer?.salvagedBytes ?? 0n);
  }

  async begin(): Promise<void> {
    const area = await this.process.area();
    const interrupted = await area.interruptedBackups({ endedBackupIds: [...this.#world.ended] });
    this.#writer = await area.beginBackup({
      backupId: this.backupId,
      parentId: this.parentId,
      startedAt: new Date(0),
      encoder: new InlineEncoder(),
      evacuatePackIds: await area.plannedEvacuation(),
      salvageFrom: interrupted.map(({ backupId }) => backupId),
    });
  }

  async writeSome(): Promise<void> {
    const next = this.#rest.slice(0, 2);
    this.#rest = this.#rest.slice(2);
    this.#isWhole = false;
    for (const [name, bytes] of next) await this.#writeFile(name, bytes);
    this.#isWhole = true;
    // So that packs are there to be salvaged, or to be lost.
    await this.#writer?.drain();
  }

  async commit(): Promise<void> {
    // As the engine does: what could not be written whole is never committed.
    if (!this.#isWhole) throw new AppError("cancelled", { message: "a file could not be written" });
    while (this.#rest.length > 0) await this.writeSome();
    await this.#writer?.drain();
    const startedAt = this.#world.clock.now();
    await this.#writer?.commit({ ...testFacts, startedAt, stoppedAt: startedAt });
    if (!this.#world.deleting.has(this.backupId)) this.#world.promised.add(this.backupId);
    this.#end();
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
    this.#end();
  }

  #end(): void {
    this.#world.running.delete(this.backupId);
    if (!this.#world.promised.has(this.backupId)) this.#world.ended.add(this.backupId);
  }

  /** Patched over the parent's where its length is the same and it is made of whole pages, else in full. */
  async #writeFile(name: string, bytes: Uint8Array): Promise<void> {
    const writer = this.#writer;
    if (writer === null) return;
    const path = new TextEncoder().encode(name);
    const entry = { path, mode: 0o600, sizeBytes: BigInt(bytes.length), modifiedAt: new Date(0) };
    const before = this.parentId === null ? undefined : this.#world.intended.get(this.parentId)?.get(name);
    const known = before === undefined ? null : await writer.parentFile(path);
    if (before === undefined || known === null || bytes.length % 8192 !== 0 || this.#world.upTo(2) === 0) {
      const file = await writer.addFile(entry);
      await file.write(bytes);
      return file.end();
    }
    const changed = changedBlocks(before, bytes);
    const file = await writer.addPatchedFile({ ...entry, blockSize: 8192, changedBlocks: changed, zerosFrom: null });
    for (const block of changed) await file.write(bytes.subarray(block * 8192, block * 8192 + 8192));
    await file.end();
  }
}

function changedBlocks(before: Uint8Array, now: Uint8Array): Uint32Array {
  const blocks: number[] = [];
  for (let at = 0; at < now.length; at += 8192) {
    const page = now.subarray(at, at + 8192);
    if (Buffer.compare(before.subarray(at, at + 8192), page) !== 0) blocks.push(at / 8192);
  }
  return new Uint32Array(blocks);
}

/** A restore on another host: a hold, the manifest, then the frames, in two halves. */
export class ModelReader {
  readonly process: ModelProcess;
  readonly backupId: string;
  readonly #world: ModelWorld;
  #area: ServerArea | null = null;
  #hold: PackHold | null = null;
  #files: ManifestFile[] = [];
  /** Stood still for longer than its lease: what it needs may be gone, and then it says so. */
  mayHaveLost = false;

  constructor(world: ModelWorld, process: ModelProcess, backupId: string) {
    this.#world = world;
    this.process = process;
    this.backupId = backupId;
  }

  async open(): Promise<void> {
    this.#area = await this.process.area();
    this.#hold = await this.#area.holdPacks("reader");
    for await (const entry of (await this.#area.openManifest(this.backupId)).entries()) {
      if (entry.kind === "file") this.#files.push(entry);
    }
    await this.#read(this.#files.slice(0, 2));
    this.#files = this.#files.slice(2);
  }

  async finish(): Promise<void> {
    await this.#read(this.#files);
    await this.#hold?.[Symbol.asyncDispose]();
  }

  async #read(files: readonly ManifestFile[]): Promise<void> {
    for (const file of files) {
      const wanted = this.#world.intended.get(this.backupId)?.get(new TextDecoder().decode(file.path));
      for (const extent of file.extents) {
        if (extent.kind === "zeros" || this.#area === null) continue;
        for await (const frame of this.#area.frames().readFrames(extent.packId, [extent.frameIndex])) {
          if (frame.kind === "damaged") throw new AppError("pack-missing", { message: frame.reason });
          const run = frame.plain.subarray(extent.offsetInFrame, extent.offsetInFrame + extent.lengthBytes);
          const from = Number(extent.fileOffset);
          if (Buffer.compare(run, wanted?.subarray(from, from + run.length) ?? run.subarray(0, 0)) !== 0) {
            throw new Error(`a reader of ${this.backupId} got other bytes`);
          }
        }
      }
    }
  }
}
