import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { type BenchCluster, change } from "./cluster.ts";
import { type Act, type Measured, measure, sizeOf } from "./measure.ts";
import type { Sample } from "./report.ts";
import type { Row, RowPlaces, Step } from "./rows/row.ts";
import type { BenchSettings } from "./settings.ts";

/**
 * Measures rounds over all rows, not row after row, so that a machine whose speed wanders slows every row alike. A row
 * that fails is left out from then on, and said.
 */
export class Rounds {
  readonly samples: Sample[] = [];
  /** Rows that were left out on the way, and why. */
  readonly absent = new Map<string, string>();
  readonly #settings: BenchSettings;
  readonly #cluster: BenchCluster;
  readonly #rows: Row[];
  readonly #dataBytes: number;
  #turn = 0;

  constructor(settings: BenchSettings, cluster: BenchCluster, rows: readonly Row[]) {
    this.#settings = settings;
    this.#cluster = cluster;
    this.#rows = [...rows];
    this.#dataBytes = sizeOf(join(cluster.dataDir, "base"));
  }

  async all(): Promise<void> {
    const { rounds, changes, chain, scale } = this.#settings;
    for (const row of [...this.#rows]) await this.#warmUp(row);
    for (let round = 0; round < rounds; round++) {
      for (const row of this.#inTurn(round)) await this.#full(row);
    }
    for (const step of ["verify", "verify-whole", "restore-full"] as const) {
      for (let round = 0; round < rounds; round++)
        for (const row of this.#inTurn(round)) await this.#step(row, step, step);
    }
    for (let round = 0; round < rounds; round++) {
      for (const row of this.#inTurn(round)) if (this.#has(row, "repeat")) await this.#onCopy(row, "repeat", "repeat");
    }
    for (const percent of changes) {
      await change(this.#cluster, scale, percent, ++this.#turn);
      for (let round = 0; round < rounds; round++) {
        for (const row of this.#inTurn(round)) {
          if (!this.#has(row, "incr")) continue;
          await this.#onCopy(row, "incr", `incr ${percent} %`);
          await this.#step(row, "restore-incr", `restore-incr ${percent} %`, "copy");
        }
      }
    }
    if (chain > 0) await this.#chain(chain);
  }

  /** Each round begins with another row: what the machine does after a pause hits not always the same. */
  #inTurn(round: number): Row[] {
    const first = round % Math.max(1, this.#rows.length);
    return [...this.#rows.slice(first), ...this.#rows.slice(0, first)];
  }

  /** Many incrementals, each on the one before, and restores of the last. */
  async #chain(length: number): Promise<void> {
    // Of the first of our rows.
    for (const row of this.#rows.filter(({ name }) => name.startsWith("tidemark"))) {
      if (!this.#has(row, "incr")) continue;
      this.#copy(row);
      for (let number = 0; number < length; number++) {
        await change(this.#cluster, this.#settings.scale, 1, ++this.#turn);
        await this.#step(row, "incr", "incr chain", "copy");
      }
      for (let round = 0; round < this.#settings.rounds; round++) {
        await this.#step(row, "restore-incr", "restore-incr chain", "copy");
      }
      return;
    }
  }

  async #warmUp(row: Row): Promise<void> {
    const places = this.#places(row);
    if (row.warmUp === undefined) return;
    mkdirSync(places.state, { recursive: true });
    for (const command of row.warmUp(places)) {
      if ((await this.#run(row, command)).ok) continue;
      this.#leaveOut(row, "it could not be warmed up");
      break;
    }
    rmSync(places.state, { recursive: true, force: true });
  }

  async #full(row: Row): Promise<void> {
    const places = this.#places(row);
    rmSync(places.state, { recursive: true, force: true });
    mkdirSync(places.state, { recursive: true });
    for (const command of row.prepare(places)) {
      if ((await this.#run(row, command)).ok) continue;
      this.#leaveOut(row, "it could not be prepared");
      return;
    }
    await this.#step(row, "full", "full");
  }

  /** On a copy by hard links of the repository as the first full left it, so that each round finds the same. */
  async #onCopy(row: Row, step: Step, label: string): Promise<void> {
    this.#copy(row);
    await this.#step(row, step, label, "copy");
  }

  #copy(row: Row): void {
    const { repository } = this.#places(row);
    const copy = this.#places(row, "copy").repository;
    rmSync(copy, { recursive: true, force: true });
    execFileSync("cp", ["-al", repository, copy]);
  }

  async #step(row: Row, step: Step, label: string, which: "own" | "copy" = "own"): Promise<void> {
    const places = this.#places(row, which);
    rmSync(places.restoreTo, { recursive: true, force: true });
    const command = this.#rows.includes(row) ? row.step(step, places) : null;
    if (command === null) return;
    const before = existsSync(places.repository) ? sizeOf(places.repository) : 0;
    if (writesMuch.has(step)) this.#touchMemory();
    const measured = await this.#run(row, command);
    const sample = { ...measured, row: row.name, step: label, grewBytes: sizeOf(places.repository) - before };
    this.samples.push(sample);
    console.log(
      `${label.padEnd(20)} ${row.name.padEnd(30)} ${measured.ok ? "" : "FAILED "}${measured.wallSeconds.toFixed(2)} s + ${measured.syncSeconds.toFixed(2)} s, ${(sample.grewBytes / 1024 ** 2).toFixed(1)} MiB more, peak ${(measured.peakBytes / 1024 ** 2).toFixed(0)} MiB`,
    );
    rmSync(places.restoreTo, { recursive: true, force: true });
    if (!measured.ok) this.#leaveOut(row, `${label} failed`);
  }

  #has(row: Row, step: Step): boolean {
    return row.step(step, this.#places(row)) !== null;
  }

  #places(row: Row, which: "own" | "copy" = "own"): RowPlaces {
    const state = join(this.#settings.workDir, row.name.replace(/[^\w]+/g, "-"));
    return {
      state,
      repository: join(state, which === "own" ? "repository" : "copy"),
      restoreTo: join(state, "restored"),
    };
  }

  #run(row: Row, act: Act): Promise<Measured> {
    const { workDir } = this.#settings;
    return measure(act, { log: this.#log(row), workDir, postmaster: this.#cluster.postmaster });
  }

  /**
   * On a memory file system, what a command writes is memory that a virtual machine may have given back to its host, and
   * getting it again took up to twice the time of a restore (3 to 6.2 s, measured 2026-11). So as much is written and
   * removed before, untimed.
   */
  #touchMemory(): void {
    const { workDir } = this.#settings;
    if (statfsSync(workDir).type !== tmpfsMagic) return;
    const file = join(workDir, "touched");
    const output = openSync(file, "w");
    execFileSync("head", ["-c", String(this.#dataBytes), "/dev/zero"], { stdio: ["ignore", output, "ignore"] });
    closeSync(output);
    rmSync(file);
  }

  #log(row: Row): string {
    return join(this.#settings.workDir, `${row.name.replace(/[^\w]+/g, "-")}.log`);
  }

  #leaveOut(row: Row, why: string): void {
    const said = readFileSync(this.#log(row), "utf8").trimEnd().split("\n").slice(-8).join("\n  ");
    this.absent.set(row.name, `${row.name}: ${why}`);
    console.log(`${row.name} is left out from here on: ${why}. It said:\n  ${said}`);
    this.#rows.splice(this.#rows.indexOf(row), 1);
  }
}

const writesMuch: ReadonlySet<Step> = new Set(["full", "repeat", "restore-full", "restore-incr"]);

/** TMPFS_MAGIC (linux/magic.h). */
const tmpfsMagic = 0x01021994;
