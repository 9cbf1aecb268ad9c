import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";

/** The processes of one test server: started in its folder, ended by their ids, their last words kept. */
export class Daemons {
  readonly #folder: string;
  readonly #running: { readonly child: ChildProcess; readonly exited: Promise<void> }[] = [];
  #log = "";

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The end of what all of them printed. */
  get log(): string {
    return this.#log;
  }

  start(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
    const child = spawn(program, args, {
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#log = (this.#log + text).slice(-10_000);
      });
    }
    const exited = new Promise<void>((resolve) => {
      child.once("exit", (code) => {
        this.#log += `\n${program} ended with ${code}`;
        resolve();
      });
      child.once("error", (error) => {
        this.#log += `\n${program}: ${error.message}`;
        resolve();
      });
    });
    this.#running.push({ child, exited });
  }

  /** Runs a program of the server's to its end and gives what it printed. */
  async run(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(program, args, { cwd: this.#folder, timeout: 120_000 });
    return stdout;
  }

  async stop(): Promise<void> {
    for (const { child } of this.#running) child.kill("SIGKILL");
    await Promise.all(this.#running.map(({ exited }) => exited));
  }
}

/** Whether every one of these files is there. */
export async function areInstalled(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}

/**
 * What a test does when its server is not installed: outside CI it is skipped, loudly; in CI, where the project's own
 * scripts install it, its absence is a failure.
 */
export function missingServer(what: string, packages: string): null {
  if (process.env.CI === "true" || process.env.CI === "1") {
    throw new Error(`${what} is not installed, and in CI it must be: ${packages}`);
  }
  process.stderr.write(
    `\n*** NOT TESTED: ${what} is not installed here. Install it with: sudo apt-get install ${packages}\n\n`,
  );
  return null;
}
