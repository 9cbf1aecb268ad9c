import { spawn } from "node:child_process";
import { shared } from "../product/shared.ts";
import { cloneRoot, plainEnvironment } from "../product/start-product.ts";

/** What the `tidemark` command answered. */
export interface Answer {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON. */
  json<T>(): T;
}

/** Runs `tidemark` as a person on the product's machine does: the home says where it is and who they are. */
export function tidemark(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return tidemarkIn({ TIDEMARK_HOME: shared().home, ...environment }, args);
}

/** Runs `tidemark` with that environment alone. */
export function tidemarkIn(environment: Readonly<Record<string, string>>, args: readonly string[]): Promise<Answer> {
  const child = spawn(process.execPath, ["apps/cli/bin/tidemark.mjs", ...args], {
    cwd: cloneRoot,
    env: { ...plainEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) =>
      resolve({ exitCode, stdout, stderr, json: <T>() => parse<T>(stdout, stderr, args) }),
    );
  });
}

/** As `tidemark`, for what must succeed; gives the JSON it printed. */
export async function done<T>(args: readonly string[]): Promise<T> {
  const answer = await tidemark([...args, "-o", "json"]);
  if (answer.exitCode !== 0) {
    throw new Error(`tidemark ${args.join(" ")} exited with ${answer.exitCode}\n${answer.stdout}\n${answer.stderr}`);
  }
  return answer.json<T>();
}

function parse<T>(stdout: string, stderr: string, args: readonly string[]): T {
  try {
    return JSON.parse(stdout) as T;
  } catch (cause) {
    throw new Error(`tidemark ${args.join(" ")} printed no JSON:\n${stdout}\n${stderr}`, { cause });
  }
}
