import {
  type CloneGate,
  cleanScratch,
  endClone,
  haltClone,
  locateClone,
  openGate,
  resumeClone,
} from "@tidemark/engine";
import { parseRunRequest } from "@tidemark/jobs";
import { describeError, formatDuration } from "@tidemark/kit";
import type { CloneRow, HeldLease, Run } from "@tidemark/metadata";
import { deadWorkers } from "../live-workers.ts";
import { cloneFolder } from "../scratch.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { cloneTimes, hereDeps, isHere } from "./clone-facts.ts";
import { cloneLeaseKey } from "./clone-holder.ts";
import { CloneStarts, mostStarts } from "./clone-starts.ts";

export interface CloneKeeper {
  /** Takes no further runs, and waits for those it has taken. */
  settled(): Promise<void>;
  /** Cuts everybody off and stops the servers; their clones go on when a worker starts here again. */
  stop(): Promise<void>;
}

/**
 * Keeps the clones of this machine: starts what should run and does not (after a crash or a reboot), lets people in,
 * ends what has expired, and throws away what nobody knows any more. Each clone is kept by one worker (a lease); one
 * whose worker died is taken over by another of the same machine.
 */
export function startCloneKeeper(deps: WorkerDeps, execute: (runId: string) => Promise<void>): CloneKeeper {
  const keeper = new Keeper(deps, execute);
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  let current: Promise<void> = Promise.resolve();
  const next = () => {
    current = keeper.pass().catch((error: unknown) => {
      deps.logger.warn({ err: error }, "the clones of this machine could not be looked after");
    });
    void current.then(() => {
      if (!stopped) timer = setTimeout(next, passEveryMs);
    });
  };
  next();
  // Apart from the passes: starting a server may take long, and nobody else may begin with it meanwhile.
  const renewal = setInterval(() => void keeper.renew(), leaseTtlMs / 4);
  return {
    settled: () => keeper.settled(),
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      keeper.interrupt();
      await current;
      await keeper.close();
      clearInterval(renewal);
    },
  };
}

interface Kept {
  readonly lease: HeldLease;
  gate: CloneGate | null;
}

class Keeper {
  readonly #deps: WorkerDeps;
  readonly #kept = new Map<string, Kept>();
  readonly #stopping = new AbortController();
  readonly #starts: CloneStarts;
  readonly #execute: (runId: string) => Promise<void>;
  readonly #taken = new Map<string, Promise<void>>();
  #takesRuns = true;
  #passes = 0;

  constructor(deps: WorkerDeps, execute: (runId: string) => Promise<void>) {
    this.#deps = deps;
    this.#execute = execute;
    this.#starts = new CloneStarts(deps.clock);
  }

  interrupt(): void {
    this.#stopping.abort();
  }

  async pass(): Promise<void> {
    const { metadata, logger } = this.#deps;
    const living = await metadata.clones.list({ living: true });
    const here: CloneRow[] = [];
    for (const row of living) if (await isHere(this.#deps, row)) here.push(row);
    await this.#letGo(here);
    const unfinished = await this.#unfinishedRuns();
    const busy = new Set(unfinished.map(({ cloneId }) => cloneId));
    this.#takeRuns(unfinished);
    const expired = new Set((await metadata.clones.expired()).map(({ id }) => id));
    for (const row of here) {
      if (this.#stopping.signal.aborted) return;
      try {
        if (await this.#hold(row.id)) await this.#lookAfter(row, expired.has(row.id), busy.has(row.id));
      } catch (error) {
        logger.warn({ err: error, cloneId: row.id }, "a clone could not be looked after; it is tried again");
      }
    }
    if (this.#passes++ % sweepEvery === 0) await this.#sweep(living, here);
  }

  async renew(): Promise<void> {
    for (const [cloneId, { lease }] of [...this.#kept]) {
      await this.#deps.metadata.leases.renew(lease, leaseTtlMs).catch((error: unknown) => {
        this.#deps.logger.debug({ err: error, cloneId }, "the lease of a clone could not be renewed");
      });
    }
  }

  async #unfinishedRuns(): Promise<readonly { readonly run: Run; readonly cloneId: string }[]> {
    const unfinished = await this.#deps.metadata.runs.unfinished();
    return unfinished.flatMap((run) => {
      if (run.kind !== "clone" && run.kind !== "clone-act") return [];
      return [{ run, cloneId: parseRunRequest(run.kind, run.request).cloneId }];
    });
  }

  /** Runs on clones kept here, whose bell a worker of another machine has heard: it cannot choose who hears the next one. */
  #takeRuns(unfinished: readonly { readonly run: Run; readonly cloneId: string }[]): void {
    for (const { run, cloneId } of unfinished) {
      if (!this.#takesRuns || run.kind !== "clone-act" || run.state !== "waiting") continue;
      if (!this.#kept.has(cloneId) || this.#taken.has(run.id)) continue;
      const taken = this.#execute(run.id)
        .catch((error: unknown) => this.#deps.logger.warn({ err: error, runId: run.id }, "a run could not be taken"))
        .finally(() => this.#taken.delete(run.id));
      this.#taken.set(run.id, taken);
    }
  }

  async settled(): Promise<void> {
    this.#takesRuns = false;
    await Promise.all(this.#taken.values());
  }

  async #lookAfter(row: CloneRow, isExpired: boolean, isBusy: boolean): Promise<void> {
    if (isExpired) return await this.#end(row, null);
    if (row.state === "ending" && !isBusy) return await this.#end(row, null);
    if (row.state === "preparing") {
      if (isBusy) return;
      // Its run is over and it was never finished: the worker died. What there is of it is of no use.
      return await this.#end(row, { code: "interrupted", message: "its worker died while it was made" });
    }
    // While it is moved its server comes and goes; the gate finds it again by itself.
    if (isBusy && row.state === "moving") return;
    if (row.state === "moving") await this.#deps.metadata.clones.update(row.id, { state: "running" }, ["moving"]);
    await this.#keepRunning(row);
  }

  async #keepRunning(row: CloneRow): Promise<void> {
    const { metadata, settings, logger, workerId } = this.#deps;
    const kept = this.#kept.get(row.id);
    if (kept === undefined || row.path === null) return;
    const locate = locateClone(row.path);
    if ((await locate()) === null && !(await this.#startAgain(row))) return;
    this.#starts.forget(row.id);
    if (row.error !== null) await metadata.clones.update(row.id, { error: null }, ["running"]);
    if (kept.gate !== null && row.port === kept.gate.port && row.workerId === workerId) return;
    const sealed = await metadata.clones.sealedPassword(row.id);
    if (sealed === null) return;
    kept.gate ??= await openGate({
      host: settings.cloneHost,
      port: row.port,
      password: await this.#deps.key.open(sealed),
      locate,
      logger,
    });
    await metadata.clones.update(row.id, { workerId, host: kept.gate.host, port: kept.gate.port }, ["running"]);
  }

  /** False: it does not run. Why, and when it is tried again, stands in its row; when all tries have failed it ends. */
  async #startAgain(row: CloneRow): Promise<boolean> {
    const { metadata, logger } = this.#deps;
    if (!this.#starts.isDue(row.id)) return false;
    logger.info({ cloneId: row.id }, "starting a clone's server again");
    try {
      const control = { signal: this.#stopping.signal, emit: () => undefined };
      const { pid } = await resumeClone(hereDeps(this.#deps), row.id, cloneTimes, control);
      await metadata.clones.update(row.id, { pid });
      return true;
    } catch (error) {
      if (this.#stopping.signal.aborted) return false;
      const { code, message } = describeError(error);
      const { count, againInMs } = this.#starts.failed(row.id);
      logger.warn({ err: error, cloneId: row.id, count, againInMs }, "a clone's server did not start");
      const tries = `its server did not start (try ${count} of ${mostStarts}): ${message}`;
      if (againInMs === null) await this.#end(row, { code, message: tries });
      else {
        const again = `${tries}; it is tried again in ${formatDuration(againInMs)}`;
        await metadata.clones.update(row.id, { error: { code, message: again } }, ["running"]);
      }
      return false;
    }
  }

  /** The gate first, then the server and its files, then the row: who reads "ended" finds the space given back. */
  async #end(row: CloneRow, error: CloneRow["error"]): Promise<void> {
    const { metadata, settings, logger } = this.#deps;
    await metadata.clones.update(row.id, { state: "ending" }, ["preparing", "running", "moving", "ending"]);
    await this.#drop(row.id);
    await endClone(cloneFolder(settings), row.id);
    await metadata.clones.update(row.id, error === null ? { state: "ended" } : { state: "failed", error });
    logger.info({ cloneId: row.id, why: error?.code ?? "ended" }, "a clone has ended");
  }

  /** Whether it is ours to keep: held already, free, or held by a worker of this home that is known to be dead. */
  async #hold(cloneId: string): Promise<boolean> {
    const { metadata, settings, workerId } = this.#deps;
    const kept = this.#kept.get(cloneId);
    if (kept !== undefined) {
      if (await metadata.leases.renew(kept.lease, leaseTtlMs)) return true;
      await kept.gate?.close();
      this.#kept.delete(cloneId);
    }
    const request = { key: cloneLeaseKey(cloneId), workerId, runId: null, ttlMs: leaseTtlMs };
    let lease = await metadata.leases.acquire(request);
    if (lease === null) {
      const holder = await metadata.leases.holder(request.key);
      if (holder === null || !(await deadWorkers(settings.home)).includes(holder.workerId)) return false;
      await metadata.leases.release(holder);
      lease = await metadata.leases.acquire(request);
    }
    if (lease === null) return false;
    this.#kept.set(cloneId, { lease, gate: null });
    return true;
  }

  /** Those that ended by another's hand. */
  async #letGo(here: readonly CloneRow[]): Promise<void> {
    for (const id of [...this.#kept.keys()]) if (!here.some((row) => row.id === id)) await this.#drop(id);
  }

  async #drop(cloneId: string): Promise<void> {
    const kept = this.#kept.get(cloneId);
    this.#kept.delete(cloneId);
    this.#starts.forget(cloneId);
    if (kept === undefined) return;
    await kept.gate?.close();
    await this.#deps.metadata.leases.release(kept.lease);
  }

  /** Folders whose clone has ended or is unknown, and rows whose machine is away long after their time. */
  async #sweep(living: readonly CloneRow[], here: readonly CloneRow[]): Promise<void> {
    const { metadata, settings, clock, logger } = this.#deps;
    // Those of a shared folder, too: only what nobody's row knows goes. The pass may have taken minutes, so it is asked anew.
    const removed = await cleanScratch(cloneFolder(settings), async () =>
      (await metadata.clones.list({ living: true })).map(({ id }) => id),
    );
    if (removed.length > 0) logger.info({ clones: removed }, "removed what ended clones had left");
    for (const row of living) {
      if (here.includes(row) || clock.now().getTime() - row.expiresAt.getTime() < awayMs) continue;
      const message = `its machine, ${row.hostname ?? "none yet"}, was away when its time was over; what it left there goes when a worker starts there`;
      await metadata.clones.update(row.id, { state: "failed", error: { code: "clone-expired", message } });
    }
  }

  async close(): Promise<void> {
    const control = { signal: new AbortController().signal, emit: () => undefined };
    const halt = async (id: string): Promise<void> => {
      await this.#drop(id);
      await haltClone(hereDeps(this.#deps), id, control);
    };
    for (const ended of await Promise.allSettled([...this.#kept.keys()].map(halt))) {
      if (ended.status === "rejected") this.#deps.logger.warn({ err: ended.reason }, "a clone could not be stopped");
    }
  }
}

const passEveryMs = 1_000;
/** The clones of a worker that dies are taken over after this, or at once by a worker that knows it for dead. */
const leaseTtlMs = 10_000;
const sweepEvery = 60;
/** A machine that is away for an hour beyond a clone's time is not waited for. */
const awayMs = 3_600_000;
