import { execFile, spawn } from "node:child_process";
import { createConnection } from "node:net";
import { promisify } from "node:util";
import { claimPort } from "./claim-port.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

/** A real Redis (or Valkey) of one test, on loopback, in memory only. `await using` ends it. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Sends one command without arguments that need quoting (`FLUSHALL`, `PING`) and gives the first line of the answer. */
  command(line: string): Promise<string>;
  /** SIGKILL: what was in it is gone. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  start(): Promise<void>;
}

/** @throws Error when neither redis-server nor valkey-server is installed; `npm test` installs one on Debian. */
export async function redisServer(): Promise<RedisServer> {
  const program = await firstProgram(["redis-server", "valkey-server"]);
  const dir = await tempDir("redis");
  const claimed = await claimPort();
  const { port } = claimed;
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir.path];
  const command = (line: string) => ask(port, line);
  let kill = async (): Promise<void> => undefined;
  const start = async (): Promise<void> => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        log = (log + text).slice(-10_000);
      });
    }
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    kill = async () => {
      child.kill("SIGKILL");
      await exited;
    };
    try {
      await waitFor(async () => (await command("PING")) === "+PONG", {
        what: `${program} to answer`,
        timeoutMs: 30_000,
      });
    } catch (error) {
      await kill();
      throw new Error(`${program} did not start: ${log}`, { cause: error });
    }
  };
  const dispose = async () => {
    await kill();
    await dir[Symbol.asyncDispose]();
    await claimed[Symbol.asyncDispose]();
  };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  const url = `redis://127.0.0.1:${port}`;
  return { url, port, command, kill: () => kill(), start, [Symbol.asyncDispose]: dispose };
}

async function firstProgram(names: readonly string[]): Promise<string> {
  for (const name of names) {
    const found = await promisify(execFile)(name, ["--version"]).then(
      () => true,
      () => false,
    );
    if (found) return name;
  }
  throw new Error(`none of ${names.join(", ")} is installed: install Redis or Valkey to run this test`);
}

function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.setTimeout(5_000, () => socket.destroy(new Error("Redis gave no answer")));
    socket.on("error", reject);
    socket.on("connect", () => socket.write(`${line}\r\n`));
    let received = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      received += text;
      const end = received.indexOf("\r\n");
      if (end === -1) return;
      socket.destroy();
      resolve(received.slice(0, end));
    });
  });
}
