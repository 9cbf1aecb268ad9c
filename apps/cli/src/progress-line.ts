import { formatBytes } from "@tidemark/kit";
import type { Output } from "./output.ts";

export interface ProgressEvent {
  readonly at: string;
  readonly level: string;
  readonly phase: string | null;
  readonly message: string;
  readonly done: string | null;
  readonly total: string | null;
}

/**
 * A run's progress on standard error: on a terminal one line with a bar that is redrawn, elsewhere a line for each
 * event that says something new (a log file wants no thousand percentages).
 */
export class ProgressLine {
  readonly #output: Output;
  #drawn = false;
  #lastMessage = "";

  constructor(output: Output) {
    this.#output = output;
  }

  show(event: ProgressEvent): void {
    if (this.#output.interactive && event.done !== null && event.total !== null && event.total !== "0") {
      this.#output.note(`\r\u001b[2K${bar(event)}`);
      this.#drawn = true;
      return;
    }
    if (event.message === this.#lastMessage || event.level === "debug") return;
    this.#lastMessage = event.message;
    this.end();
    this.#output.note(
      `${event.at.slice(11, 19)} ${event.level === "info" ? "" : `${event.level}: `}${event.message}\n`,
    );
  }

  /** Leaves the drawn line as it is and goes to the next. */
  end(): void {
    if (this.#drawn) this.#output.note("\n");
    this.#drawn = false;
  }
}

const barWidth = 24;

export function bar(event: ProgressEvent): string {
  const done = BigInt(event.done ?? "0");
  const total = BigInt(event.total ?? "0");
  // The total is an estimate and may be passed; the bar stays within its frame.
  const share = total === 0n ? 0 : Math.min(1, Number(done) / Number(total));
  const filled = Math.round(share * barWidth);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `${event.phase ?? ""} [${"#".repeat(filled)}${"-".repeat(barWidth - filled)}] ${percent}  ${formatBytes(done)} of ${formatBytes(total)}`;
}
