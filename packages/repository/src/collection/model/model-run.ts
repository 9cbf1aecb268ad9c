import { AppError } from "@tidemark/kit";
import type { RepositoryStep } from "../../steps.ts";
import { chooseEvacuation } from "../choose-evacuation.ts";
import { ModelReader, ModelWriter, PendingAct } from "./model-acts.ts";
import type { ModelProcess } from "./model-process.ts";
import { ModelWorld, type WorldOptions } from "./model-world.ts";

export interface RunOptions extends WorldOptions {
  readonly commands: number;
}

/** What happened in one run, so that a batch can tell that it met what it is for. */
export interface RunSummary {
  readonly commits: number;
  readonly failedCommits: number;
  readonly removedPacks: number;
  readonly salvagedBytes: number;
  readonly evacuations: number;
  readonly revoked: number;
  readonly finishedReads: number;
}

/** One world, so many random commands, and peace at the end. Throws at the first broken promise, with what was done. */
export async function runModel(options: RunOptions): Promise<RunSummary> {
  const run = new ModelRun(options);
  try {
    await run.play(options.commands);
    await run.settle();
  } catch (error) {
    throw new Error(`seed ${options.seed}: ${String(error)}\n${run.world.log.join("\n")}`, { cause: error });
  } finally {
    run.end();
  }
  return run.summary;
}

class ModelRun {
  readonly world: ModelWorld;
  readonly summary = {
    commits: 0,
    failedCommits: 0,
    removedPacks: 0,
    salvagedBytes: 0,
    evacuations: 0,
    revoked: 0,
    finishedReads: 0,
  };
  readonly #options: RunOptions;
  readonly #processes: ModelProcess[] = [];
  #pending: PendingAct[] = [];
  #writers: ModelWriter[] = [];
  #readers: ModelReader[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
    this.world = new ModelWorld(options);
  }

  async play(commands: number): Promise<void> {
    const { world } = this;
    await world.create();
    for (let at = 0; at < commands; at++) {
      const roll = world.upTo(100);
      if (roll < 14) await this.#begin();
      else if (roll < 26) await this.#act("write", (writer) => writer.writeSome());
      else if (roll < 44) await this.#act("commit", (writer) => this.#commit(writer));
      else if (roll < 49) await this.#act("abort", (writer) => writer.abort());
      else if (roll < 57) await this.#delete();
      else if (roll < 61) await this.#hold();
      else if (roll < 75) await this.#collect();
      else if (roll < 89) await this.#advance();
      else if (roll < 93) await this.#resume();
      else if (roll < 96) await this.#stopSomebody();
      else await this.#read();
      await this.#restAll();
      await world.check();
    }
  }

  /** The server stands still, and nobody else writes: what is left is needed, or goes. */
  async settle(): Promise<void> {
    const { world } = this;
    for (const process of this.#processes) process.kill();
    await this.#restAll();
    for (const backupId of await world.listed()) world.promised.add(backupId);
    await world.checkContent(await world.listed());
    for (let round = 0; round < 3; round++) {
      await this.#quietBackup();
      for (const backupId of (await world.listed()).slice(0, -1)) {
        if (world.held.has(backupId)) continue;
        world.promised.delete(backupId);
        await world.area.deleteBackup(backupId);
      }
      await this.#quietCollections();
    }
    await world.checkContent(await world.listed());
    await this.#assertTidy();
  }

  end(): void {
    for (const process of this.#processes) process.kill();
  }

  async #quietBackup(): Promise<void> {
    const process = this.#newProcess();
    const writer = new ModelWriter(this.world, process, (await this.world.listed()).at(-1) ?? null, this.world.files());
    await writer.begin();
    await writer.commit();
    await this.world.check();
    this.world.log.push(`quiet ${writer.backupId}`);
  }

  async #quietCollections(): Promise<void> {
    for (let pass = 0; pass < 4; pass++) {
      this.world.clock.nowMs += this.world.graceMs + 60_000;
      const options = { now: this.world.clock.now(), graceMs: this.world.graceMs, runningBackupIds: [] };
      const report = await this.world.area.executeCollection(await this.world.area.planCollection(options));
      this.summary.removedPacks += report.removedPacks;
      await this.world.check();
    }
    if ((await this.world.area.plannedEvacuation()).size > 0) this.summary.evacuations++;
  }

  async #assertTidy(): Promise<void> {
    const { world } = this;
    const usage = await world.area.usage();
    const garbage = usage.byPack.filter(({ liveBytes }) => liveBytes === 0);
    if (garbage.length > 0) throw new Error(`${garbage.length} packs that nobody needs are still there`);
    // What a backup under a hold pins cannot be emptied by another one: only such packs may keep their dead bytes.
    const rest = usage.byPack.filter((pack) => pack.heldBytes === 0 && pack.liveBytes < pack.storedBytes);
    const { deadShare } = chooseEvacuation(usage);
    if (deadShare >= 0.2 && rest.length > 0) throw new Error(`${deadShare} of the bytes are dead`);
    for await (const { key } of world.store.list("srv_1/leases/")) throw new Error(`${key} was left`);
  }

  #newProcess(): ModelProcess {
    const process = this.world.process();
    this.#processes.push(process);
    return process;
  }

  async #begin(): Promise<void> {
    if (this.#writers.filter(({ process }) => process.isAlive).length >= 2) return;
    const process = this.#newProcess();
    const listed = await this.world.listed();
    const writer = new ModelWriter(this.world, process, this.world.upTo(5) === 0 ? null : (listed.at(-1) ?? null));
    this.#say(`begin ${writer.backupId} on ${writer.parentId ?? "nothing"}`);
    this.#arm(process, ["backup:before-lease", "backup:after-lease", "salvage:before-claim"]);
    const act = this.#start(process, () => writer.begin());
    await act.rest();
    if (act.isSettled && act.error === null) this.#writers.push(writer);
    else if (process.isPaused) this.#writers.push(writer);
    else this.#forget(writer);
  }

  async #commit(writer: ModelWriter): Promise<void> {
    try {
      await writer.commit();
      this.summary.commits++;
      this.summary.salvagedBytes += writer.salvagedBytes;
      this.#writers = this.#writers.filter((one) => one !== writer);
      if (!this.world.deleting.has(writer.backupId)) await this.world.checkContent([writer.backupId]);
    } catch (error) {
      this.summary.failedCommits++;
      await writer.abort().catch(() => undefined);
      this.#forget(writer);
      throw error;
    }
  }

  /** The database knows that it ended; a process that is only paused may come back. */
  #forget(writer: ModelWriter): void {
    this.world.running.delete(writer.backupId);
    this.world.ended.add(writer.backupId);
    this.#writers = this.#writers.filter((one) => one !== writer);
  }

  async #act(name: string, act: (writer: ModelWriter) => Promise<void>): Promise<void> {
    const writer = this.world.pick(this.#writers.filter((one) => one.process.isAlive && !this.#isBusy(one.process)));
    if (writer === undefined) return;
    this.#say(`${name} ${writer.backupId}`);
    const steps = name === "commit" ? commitSteps : name === "abort" ? abortSteps : [];
    this.#arm(writer.process, steps);
    if (name === "abort") this.#writers = this.#writers.filter((one) => one !== writer);
    await this.#start(writer.process, () => act(writer)).rest();
    if (writer.process.isDead) this.#forget(writer);
  }

  async #delete(): Promise<void> {
    const backupId = this.world.pick(await this.world.listed());
    if (backupId === undefined) return;
    this.#say(`delete ${backupId}`);
    const process = this.#newProcess();
    if (!this.world.held.has(backupId)) {
      this.world.promised.delete(backupId);
      this.world.deleting.add(backupId);
    }
    this.#arm(process, ["delete:before-manifest", "delete:after-manifest"]);
    await this.#start(process, async () => (await process.area()).deleteBackup(backupId)).rest();
  }

  async #hold(): Promise<void> {
    const backupId = this.world.pick(await this.world.listed());
    // A deletion that stands still has asked for holds already: in the product one act waits for the other.
    if (backupId === undefined || this.#pending.length > 0) return;
    const kind = this.world.held.has(backupId) ? "release" : "hold";
    this.#say(`${kind} ${backupId}`);
    await this.world.area.addMark(backupId, { kind, text: "", by: "model", at: this.world.clock.now() });
    this.world.clock.nowMs += 1;
    if (kind === "hold") this.world.held.add(backupId);
    else this.world.held.delete(backupId);
  }

  async #collect(): Promise<void> {
    const process = this.#newProcess();
    const runningBackupIds = this.world.upTo(2) === 0 ? [] : [...this.world.running];
    this.#say(
      `collect, knowing of ${runningBackupIds.length}, clock off by ${process.clock.now().getTime() - this.world.clock.nowMs}`,
    );
    this.#arm(process, [
      "collect:before-mark",
      "collect:before-revoke",
      "collect:before-remove",
      "collect:before-tidy",
    ]);
    await this.#start(process, async () => {
      const area = await process.area();
      const options = { now: process.clock.now(), graceMs: this.world.graceMs, runningBackupIds };
      const plan = await area.planCollection(options);
      const report = await area.executeCollection(plan);
      this.summary.removedPacks += report.removedPacks;
      this.summary.revoked += plan.revoke.length;
      if ((await area.plannedEvacuation()).size > 0) this.summary.evacuations++;
    }).rest();
  }

  async #advance(): Promise<void> {
    const minutes = this.world.pick([1, 7, 30, 90, 600, 1600]) ?? 1;
    const targetMs = this.world.clock.nowMs + minutes * 60_000;
    this.#say(`advance to ${new Date(targetMs).toISOString()}`);
    while (this.world.clock.nowMs < targetMs) {
      this.world.clock.nowMs = Math.min(targetMs, this.world.clock.nowMs + 600_000);
      for (const process of this.#processes) process.runTimers();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const reader of this.#readers) if (reader.process.isPaused) reader.mayHaveLost = true;
  }

  async #resume(): Promise<void> {
    const process = this.world.pick(this.#processes.filter(({ isPaused, isDead }) => isPaused && !isDead));
    if (process === undefined) return;
    this.#say("resume a process");
    process.resume();
  }

  async #stopSomebody(): Promise<void> {
    const process = this.world.pick(this.#processes.filter(({ isAlive }) => isAlive));
    if (process === undefined) return;
    const kill = this.world.upTo(2) === 0;
    this.#say(kill ? "kill a process" : "pause a process");
    if (kill) process.kill();
    else process.pause();
    const writer = this.#writers.find((one) => one.process === process);
    if (writer !== undefined && (kill || this.world.upTo(2) === 0)) {
      this.world.running.delete(writer.backupId);
      this.world.ended.add(writer.backupId);
    }
  }

  async #read(): Promise<void> {
    const reader = this.world.pick(this.#readers.filter(({ process }) => process.isAlive && !this.#isBusy(process)));
    if (reader !== undefined && this.world.upTo(2) === 0) {
      this.#say(`finish reading ${reader.backupId}`);
      this.#readers = this.#readers.filter((one) => one !== reader);
      await this.#start(reader.process, () => this.#mustRead(reader, () => reader.finish())).rest();
      return;
    }
    const backupId = this.world.pick(await this.world.listed());
    if (backupId === undefined) return;
    this.#say(`read ${backupId}`);
    const next = new ModelReader(this.world, this.#newProcess(), backupId);
    this.#readers.push(next);
    await this.#start(next.process, () => this.#mustRead(next, () => next.open())).rest();
  }

  /** A reader that kept its lease finds everything, whatever was deleted and collected meanwhile. */
  async #mustRead(reader: ModelReader, read: () => Promise<void>): Promise<void> {
    try {
      await read();
      this.summary.finishedReads++;
    } catch (error) {
      const lost = error instanceof AppError && error.code === "pack-missing";
      if (!lost || reader.mayHaveLost || this.#options.skewMs > readerSkewMs) throw error;
      throw new Error(`a reader that held its lease lost a pack: ${error.message}`);
    }
  }

  #arm(process: ModelProcess, steps: readonly RepositoryStep[]): void {
    const { world } = this;
    if (world.upTo(3) === 0 && steps.length > 0) {
      const step = world.pick(steps);
      const how = world.upTo(2) === 0 ? "pause" : "kill";
      if (step !== undefined) process.stopAt = { step, how };
      world.log.push(`  to ${how} at ${step}`);
    }
    if (world.upTo(6) === 0) {
      const operation = world.pick(["put", "delete", "get", "list"] as const) ?? "put";
      const effect = world.pick(["error-before", "error-after", "lost-put"] as const) ?? "error-before";
      process.store.fault = {
        operation,
        effect: operation === "put" || effect !== "lost-put" ? effect : "error-before",
      };
      world.log.push(`  with ${effect} in ${operation}`);
    }
  }

  #isBusy(process: ModelProcess): boolean {
    return this.#pending.some((act) => act.process === process && !act.isSettled);
  }

  #start(process: ModelProcess, act: () => Promise<void>): PendingAct {
    const pending = new PendingAct(process, act);
    this.#pending.push(pending);
    return pending;
  }

  async #restAll(): Promise<void> {
    for (const act of this.#pending) await act.rest();
    for (const act of this.#pending)
      if (act.isSettled && act.error !== null) this.world.log.push(`  ! ${String(act.error)}`);
    this.#pending = this.#pending.filter((act) => !act.isSettled);
  }

  #say(what: string): void {
    this.world.log.push(what);
  }
}

const commitSteps: readonly RepositoryStep[] = [
  "pack:before-put",
  "pack:after-put",
  "manifest:before-put",
  "manifest:before-put",
  "manifest:after-put",
  "commit:after-lease",
];
const abortSteps: readonly RepositoryStep[] = [
  "abort:before-revoke",
  "abort:before-packs",
  "abort:before-unclaim",
  "abort:before-lease",
];
/** A reader's lease of an hour is judged by the collection's clock. */
const readerSkewMs = 45 * 60_000;
