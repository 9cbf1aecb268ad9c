import { AppError, describeError, formatDuration } from "@tidemark/kit";

/** What the start says on the terminal. Everything else goes to the log files. */
export interface ConsoleReport {
  /** Shows that `title` is under way, then how long it took; several may run at once. */
  phase<T>(title: string, act: (note: (text: string) => void) => Promise<T>): Promise<T>;
  line(text: string): void;
  warn(text: string): void;
  /** One sentence with what to do. */
  fail(error: unknown): void;
}

/** On a terminal a phase is drawn when it begins and again with its time when it ends; elsewhere only its end is a line. */
export function createConsoleReport(out: NodeJS.WriteStream): ConsoleReport {
  const running = new Set<string>();
  const redraw = () => {
    if (out.isTTY)
      out.write(`\r\x1b[K${running.size === 0 ? "" : `  … ${[...running].join(", ")}`.slice(0, out.columns - 1)}`);
  };
  const print = (text: string) => {
    if (out.isTTY) out.write("\r\x1b[K");
    out.write(`${text}\n`);
    redraw();
  };
  return {
    async phase(title, act) {
      const startedAt = performance.now();
      running.add(title);
      redraw();
      const note = (text: string) => print(`    ${title}: ${text}`);
      try {
        const result = await act(note);
        running.delete(title);
        print(`  ✓ ${title} (${formatDuration(performance.now() - startedAt)})`);
        return result;
      } catch (error) {
        running.delete(title);
        print(`  ✗ ${title}`);
        throw error;
      }
    },
    line: print,
    warn: (text) => print(`  ! ${text}`),
    fail(error) {
      const { code, message, hint } = describeError(error);
      print(`\nTidemark could not start: ${message}${hint === null ? "" : `; ${hint}`} [${code}]`);
      if (!(error instanceof AppError) && error instanceof Error && error.stack !== undefined) print(error.stack);
    },
  };
}
