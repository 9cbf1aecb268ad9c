import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { claimPort, waitFor } from "@tidemark/testkit";

/** The clone. */
export const cloneRoot = fileURLToPath(new URL("../../", import.meta.url));

/** The whole product, as `npm start` runs it after installing and building. */
export interface Product {
  readonly pid: number;
  readonly port: number;
  readonly origin: string;
  readonly home: string;
  /** All it printed so far. */
  output(): string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  signal(name: NodeJS.Signals): void;
}

export interface ProductOptions {
  readonly home: string;
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts the product on a home of the story's own; it ends with the process that runs the stories. */
export async function launchProduct(options: ProductOptions): Promise<Product> {
  const port = options.port ?? (await claimPort()).port;
  const child = spawn(process.execPath, [fileURLToPath(new URL("../../apps/start/src/main.ts", import.meta.url))], {
    cwd: cloneRoot,
    env: {
      ...plainEnvironment(),
      PORT: String(port),
      TIDEMARK_HOME: options.home,
      TIDEMARK_BOOTSTRAP: String(process.pid),
      ...options.environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  return follow(child, port, options.home);
}

/** Starts it and waits until it says that it is ready. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const product = await launchProduct(options);
  let ended: number | NodeJS.Signals | null = null;
  void product.ended.then((how) => {
    ended = how;
  });
  await waitFor(() => ended !== null || product.output().includes("Tidemark is ready"), {
    what: `the product to be ready:\n${product.output()}`,
    timeoutMs: 120_000,
  });
  if (ended !== null) throw new Error(`the product ended with ${ended} instead of being ready:\n${product.output()}`);
  return product;
}

function follow(child: ChildProcess, port: number, home: string): Product {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return {
    pid: child.pid ?? 0,
    port,
    origin: `http://127.0.0.1:${port}`,
    home,
    output: () => output,
    ended: new Promise((resolve, reject) => {
      child.once("error", reject);
      // "close": after the last line was read.
      child.once("close", (code, signal) => resolve(code ?? signal ?? "SIGKILL"));
    }),
    signal: (name) => void child.kill(name),
  };
}

/** Ours without settings of the product: what the person who runs the stories has set is not part of them. */
export function plainEnvironment(): Record<string, string> {
  const others = ["PORT", "HOST", "DATABASE_URL", "REDIS_URL", "FORCE_COLOR", "NO_COLOR"];
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !entry[0].startsWith("TIDEMARK_") && !others.includes(entry[0]),
  );
  return Object.fromEntries(entries);
}
