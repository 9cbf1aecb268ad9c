import { once } from "node:events";
import { chmod, chown, unlink } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { Owner } from "../../restore/restore-owner.ts";
import { type AgentRequest, errorLine, longestLine, parseAgentRequest, readAnswer } from "./agent-protocol.ts";

type Answer = (request: AgentRequest) => Promise<string>;

export interface AgentSocket {
  /** Answers what is under way, then ends. */
  close(): Promise<void>;
}

/**
 * Listens on a Unix socket for whoever may use it (its mode is 0600). A socket that a dead agent left is replaced; of a
 * living one `agent-running` is thrown. Whoever calls this holds the lock of its spool, so nobody replaces it at the
 * same time.
 */
export async function listenForRequests(path: string, answer: Answer, owner: Owner | null): Promise<AgentSocket> {
  assertSocketPath(path);
  if (await isAnswering(path)) {
    throw new AppError("agent-running", {
      message: `there is an agent on ${path} already`,
      hint: "one agent serves a host's settings; stop that one first",
      context: { path },
    });
  }
  await unlink(path).catch(ignoreMissing);
  const open = new Set<Conversation>();
  const server = createServer((socket) => {
    const conversation = new Conversation(socket, answer);
    open.add(conversation);
    socket.once("close", () => open.delete(conversation));
  });
  await listen(server, path);
  await chmod(path, 0o600);
  if (owner !== null) await chown(path, owner.uid, owner.gid);
  return {
    async close() {
      const closed = once(server, "close");
      server.close();
      await Promise.all([...open].map((conversation) => conversation.end()));
      await closed;
      await unlink(path).catch(ignoreMissing);
    },
  };
}

/** Requests of one client, one after another. */
class Conversation {
  readonly #socket: Socket;
  readonly #answer: Answer;
  #text = "";
  #busy: Promise<void> | null = null;
  #isEnding = false;

  constructor(socket: Socket, answer: Answer) {
    this.#socket = socket;
    this.#answer = answer;
    socket.setEncoding("utf8");
    // A client that went away does not want its answer any more; what it asked for is done all the same.
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      this.#text += text;
      this.#read();
    });
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#busy;
    this.#socket.end();
    this.#socket.destroySoon();
  }

  #read(): void {
    if (this.#busy !== null || this.#isEnding) return;
    const end = this.#text.indexOf("\n");
    if (end > longestLine || (end < 0 && this.#text.length > longestLine)) {
      this.#socket.end("ERROR bad-request the line is too long\n");
      return;
    }
    if (end < 0) return;
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    this.#busy = this.#reply(line).finally(() => {
      this.#busy = null;
      this.#read();
    });
  }

  async #reply(line: string): Promise<void> {
    const request = parseAgentRequest(line);
    const text =
      request === null
        ? "ERROR bad-request the request is not understood: ARCHIVE <name> <absolute path>, or PING"
        : await this.#answer(request).catch(errorLine);
    if (!this.#socket.destroyed) this.#socket.write(`${text}\n`);
  }
}

/** Has the agent store a file. Throws `agent-unreachable` when there is none, else what it answered. */
export async function askAgent(socketPath: string, path: string, name: string): Promise<void> {
  readAnswer(await converse(socketPath, `ARCHIVE ${name} ${path}`));
}

/** What the agent on a socket says to be; null: there is none. */
export async function pingAgent(socketPath: string): Promise<string | null> {
  try {
    return (await converse(socketPath, "PING")).replace(/^OK /, "");
  } catch (error) {
    if (error instanceof AppError && error.code === "agent-unreachable") return null;
    throw error;
  }
}

async function isAnswering(path: string): Promise<boolean> {
  return (await pingAgent(path)) !== null;
}

async function converse(socketPath: string, line: string): Promise<string> {
  assertSocketPath(socketPath);
  const socket = createConnection(socketPath);
  try {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (more: string) => {
      text += more;
      if (text.includes("\n")) socket.end();
    });
    await once(socket, "connect");
    socket.write(`${line}\n`);
    await once(socket, "close");
    if (text.endsWith("\n")) return text.slice(0, -1);
  } catch (cause) {
    throw unreachable(socketPath, cause);
  } finally {
    socket.destroy();
  }
  throw unreachable(socketPath, new Error("it ended without an answer"));
}

function unreachable(path: string, cause: unknown): AppError {
  return new AppError("agent-unreachable", {
    message: `there is no agent on ${path}: ${(cause as Error).message}`,
    hint: "start it with `tidemark wal agent`",
    context: { path },
    cause,
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((settle, fail) => {
    // One that comes later (no more files may be open) is of one client, who asks again.
    server.on("error", (cause) =>
      fail(
        new AppError("target-not-writable", {
          message: `the agent cannot listen on ${path}: ${cause.message}`,
          hint: "its folder must exist and belong to the user that PostgreSQL runs under",
          context: { path },
          cause,
        }),
      ),
    );
    // The umask of a moment would leave it open to others for that moment.
    const umask = process.umask(0o177);
    server.listen(path, () => settle());
    process.umask(umask);
  });
}

/** sun_path of unix(7): 108 bytes with the zero at its end, 104 on others. */
function assertSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= 103) return;
  throw new AppError("bad-request", {
    message: `the path of a socket can have 103 bytes at most: ${path}`,
    hint: "name a shorter one as socket in the host's settings",
  });
}

function ignoreMissing(error: unknown): void {
  if (systemErrorCode(error) !== "ENOENT") throw error;
}
