import type { ActControl } from "../act.ts";
import type { VerifyProblem } from "./verify-types.ts";

/** What a verification found wrong: all counted, the first thousand kept and said as they come. */
export class VerifyProblems {
  readonly list: VerifyProblem[] = [];
  readonly hitBackupIds = new Set<string>();
  readonly packIds = new Set<string>();
  count = 0;
  readonly #control: ActControl;

  constructor(control: ActControl) {
    this.#control = control;
  }

  add(problem: VerifyProblem): void {
    this.count++;
    for (const backupId of problem.backupIds) this.hitBackupIds.add(backupId);
    if (problem.packId !== null) this.packIds.add(problem.packId);
    if (this.list.length >= problemsListed) return;
    this.list.push(problem);
    this.#control.emit({ kind: "log", level: "error", message: problem.sentence });
  }

  /** What mends it, as sentences. */
  healing(): readonly string[] {
    if (this.count === 0) return [];
    const sentences: string[] = [];
    if (this.packIds.size > 0) {
      const packs = [...this.packIds].slice(0, 3).join(", ");
      const which = this.packIds.size > 3 ? `${packs} and ${this.packIds.size - 3} more packs` : packs;
      sentences.push(
        `the next backup stores anew what ${which} held, so later backups are whole; the ones that are hit stay so`,
        "where a second repository has a copy of the pack, healing from it mends the backups that are hit",
      );
    }
    if (this.list.some(({ code }) => code === "page-checksum")) {
      sentences.push(
        "wrong pages came so from the server or rotted since: a drill decides, and rolling trust reads those files again",
      );
    }
    if (this.list.some(({ code }) => code === "manifest-damaged" || code.startsWith("file-"))) {
      sentences.push(
        "a manifest cannot be mended from the other backups: copy it from a second repository, or take a new backup",
      );
    }
    return sentences;
  }
}

const problemsListed = 1000;
