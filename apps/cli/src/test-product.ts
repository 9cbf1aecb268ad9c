import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemClock } from "@tidemark/kit";
import type { Environment } from "@tidemark/kit/settings";
import { type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import type { CommandContext } from "./context.ts";
import { runCommand } from "./run-command.ts";

/** For integration tests: an api and a worker as processes, a repository, and the command to ask them with. */
export interface TestProduct extends AsyncDisposable {
  /** Where the api listens. */
  readonly url: string;
  /** Runs `tidemark` as a person on the product's machine does. */
  tidemark(...args: string[]): Promise<CommandAnswer>;
  /** As `tidemark`; throws unless it exits with 0, and gives the JSON it printed. */
  json(...args: string[]): Promise<unknown>;
  /** All rows of the runs and the audit as one text, for searching what must not be there. */
  rows(): Promise<string>;
  /** Where files of the test may be put. */
  join(...parts: string[]): string;
}

export interface CommandAnswer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly text: string;
  readonly stderr: string;
}

export async function testProduct(): Promise<TestProduct> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function assemble(stack: AsyncDisposableStack): Promise<TestProduct> {
  const home = stack.use(await tempDir("home"));
  const metadata: TestServer = stack.use(await testServer({ settings: { max_connections: 100 } }));
  await metadata.query("CREATE DATABASE tidemark");
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: home.path,
    DATABASE_URL: metadata.dsn({ database: "tidemark" }),
    TIDEMARK_HOME: home.path,
    AUTH_SECRET: "a secret of the test that is long enough",
    API_PORT: "0",
    // What the test asks for is all that is asked.
    TIDEMARK_INSPECT_SECONDS: "0",
  };
  await runToEnd("apps/start/src/migrate-command.ts", [], environment);
  await runToEnd("apps/api/src/ensure-admin.ts", ["--token-file", home.join("admin-token")], environment);
  const [, apiOutput] = await Promise.all([
    startProgram(stack, "apps/worker/src/main.ts", environment, "the worker is ready"),
    startProgram(stack, "apps/api/src/main.ts", environment, '"ready":true'),
  ]);
  const url = /"url":"(http:[^"]+)"/.exec(apiOutput)?.[1] ?? "";
  const asked = { HOME: home.path, TIDEMARK_HOME: home.path, TIDEMARK_URL: url };
  const tidemark = (...args: string[]) => runHere(asked, args);
  await addRepository(url, home.join("admin-token"), home.join("repository"));
  return {
    url,
    tidemark,
    async rows() {
      const rows = await metadata.query<{ text: string }>(
        "SELECT r::text AS text FROM run r UNION ALL SELECT a::text FROM audit_event a",
        [],
        { database: "tidemark" },
      );
      return rows.map((row) => row.text).join("\n");
    },
    join: (...parts) => home.join(...parts),
    async json(...args) {
      const answer = await tidemark(...args, "-o", "json");
      if (answer.exitCode === 0) return JSON.parse(answer.text);
      throw new Error(`tidemark ${args.join(" ")} exited with ${answer.exitCode}\n${answer.text}\n${answer.stderr}`);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const root = resolve(import.meta.dirname, "..", "..", "..");

function spawnScript(script: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  return spawn(process.execPath, [join(root, script), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
}

/** The command in this process: a start of Node for each would take most of the test's time. */
async function runHere(environment: Environment, args: readonly string[]): Promise<CommandAnswer> {
  const stdout: Buffer[] = [];
  let stderr = "";
  const context: CommandContext = {
    environment,
    stdinIsTerminal: false,
    clock: systemClock,
    bytes: { isTerminal: false, write: async (bytes) => void stdout.push(Buffer.from(bytes)) },
    output: (format) => ({
      format,
      interactive: false,
      write: (text) => void stdout.push(Buffer.from(text)),
      note: (text) => {
        stderr += text;
      },
    }),
  };
  const exitCode = await runCommand(context, args);
  const bytes = Buffer.concat(stdout);
  return { exitCode, stdout: bytes, text: bytes.toString("utf8"), stderr };
}

async function runToEnd(script: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const child = spawnScript(script, args, env);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = await new Promise((settle) => child.once("close", settle));
  if (exitCode !== 0) throw new Error(`${script} exited with ${exitCode}\n${output}`);
}

/** Starts a process that is stopped with the test; answers what it wrote until it was ready. */
async function startProgram(
  stack: AsyncDisposableStack,
  script: string,
  env: Readonly<Record<string, string>>,
  readyText: string,
): Promise<string> {
  const child = spawnScript(script, [], env);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-200_000);
    });
  }
  stack.defer(() => stop(child));
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  await waitFor(() => output.includes(readyText) || isOver(), { what: `${script} to be ready`, timeoutMs: 60_000 });
  if (isOver()) throw new Error(`${script} ended by itself:\n${output}`);
  return output;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((settle) => child.once("exit", settle));
  child.kill("SIGTERM");
  await ended;
}

async function addRepository(url: string, tokenFile: string, folder: string): Promise<void> {
  const token = (await readFile(tokenFile, "utf8")).trim();
  const ask = async (query: string) => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    });
    return (await response.json()) as { data: { repositories: { nodes: { state: string }[] } } };
  };
  await ask(
    `mutation { addRepository(input: { name: "main", url: "file://${folder}", encrypted: false }) { run { id } } }`,
  );
  await waitFor(
    async () =>
      (await ask("{ repositories(first: 1) { nodes { state } } }")).data.repositories.nodes[0]?.state === "READY",
    { what: "the repository to be ready", timeoutMs: 60_000 },
  );
}
