import { once } from "node:events";
import { chown, rm, stat } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { waitFor } from "@tidemark/testkit";

export interface ArchiveRequest {
  readonly name: string;
  readonly path: string;
}

/** Says what an agent is asked, and answers what a test wants. */
export class StubAgent {
  readonly requests: ArchiveRequest[] = [];
  pings = 0;
  connections = 0;
  /** What to answer; null: nothing, until `answerHeld`. */
  answer: (request: ArchiveRequest) => string | null = () => "OK";
  readonly #path: string;
  readonly #sockets = new Set<Socket>();
  #held: Socket[] = [];
  #server: Server | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async start(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    server.listen(this.#path);
    await once(server, "listening");
    // The server runs under another account than the tests when those run as root.
    const { uid, gid } = await stat(dirname(this.#path));
    await chown(this.#path, uid, gid);
    this.#server = server;
  }

  /** As if it were killed: connections end, and nothing listens. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await rm(this.#path, { force: true });
  }

  /** Whether a request waits for an answer. */
  get holds(): boolean {
    return this.#held.length > 0;
  }

  async awaitHeld(): Promise<void> {
    await waitFor(() => this.holds, { what: "a request that is not answered", timeoutMs: 60_000 });
  }

  answerHeld(answer: string): void {
    for (const socket of this.#held) if (!socket.destroyed) socket.write(`${answer}\n`);
    this.#held = [];
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // The archiver is killed or leaves while we answer.
    socket.on("error", () => this.#sockets.delete(socket));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        this.#reply(socket, text.slice(0, end));
        text = text.slice(end + 1);
      }
    });
  }

  #reply(socket: Socket, line: string): void {
    if (line === "PING") {
      this.pings++;
      socket.write("OK tidemark stub\n");
      return;
    }
    const [, name = "", path = ""] = /^ARCHIVE (\S+) (\/.*)$/.exec(line) ?? [];
    const request = { name, path };
    this.requests.push(request);
    const answer = this.answer(request);
    if (answer === null) this.#held.push(socket);
    else socket.write(`${answer}\n`);
  }
}
