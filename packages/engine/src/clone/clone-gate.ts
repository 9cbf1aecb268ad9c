import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { AppError, type Logger, type Secret, systemErrorCode } from "@tidemark/kit";
import { ScramExchange, type ScramVerifier, scramVerifier } from "./scram-server.ts";

/** Where the server behind a gate takes connections now; null: it is not running. */
export type LocateServer = () => Promise<{ readonly socketDir: string; readonly port: number } | null>;

export interface GateRequest {
  /** The address to take connections at. */
  readonly host: string;
  /** Tried first; any free one when it is taken. Null: any. */
  readonly port: number | null;
  readonly password: Secret;
  readonly locate: LocateServer;
  readonly logger?: Logger | undefined;
}

/** What lets people with the password through to a clone. */
export interface CloneGate {
  readonly host: string;
  readonly port: number;
  /** Cuts everybody off. */
  close(): Promise<void>;
}

/**
 * Lets connections through to a server of ours that only listens on its socket. A server that recovers has the roles
 * and passwords of its source and takes no new ones, so the password is asked for here (SCRAM-SHA-256): whoever has
 * the clone's own may come in under any role of it. There is no TLS.
 */
export async function openGate(request: GateRequest): Promise<CloneGate> {
  const verifier = await scramVerifier(request.password);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, keepAlive: true }, (client) => {
    track(sockets, client);
    letThrough(client, request, verifier, sockets).catch((error: unknown) => {
      request.logger?.debug({ err: error }, "a connection to a clone ended");
      client.destroy();
    });
  });
  server.on("error", (error) => request.logger?.warn({ err: error }, "the gate of a clone"));
  const port = await listen(server, request.host, request.port);
  return {
    host: request.host,
    port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function letThrough(client: Socket, request: GateRequest, verifier: ScramVerifier, sockets: Set<Socket>) {
  client.setTimeout(loginMs, () => client.destroy());
  const reader = new MessageReader(client);
  const startup = await readStartup(client, reader);
  const isCancel = startup.readInt32BE(4) === codes.cancel;
  // Whoever cancels proves himself by the key of the session to cancel; the server checks it.
  if (!isCancel && !(await logIn(client, reader, verifier))) {
    refuse(client, "28P01", "password authentication failed: the clone's own password is asked for");
    return;
  }
  const place = await request.locate();
  if (place === null) return refuse(client, "57P03", "the clone is not running just now");
  const server = connect({ path: join(place.socketDir, `.s.PGSQL.${place.port}`) });
  track(sockets, server);
  server.on("close", () => client.destroy());
  client.on("close", () => server.destroy());
  client.setTimeout(0);
  const rest = reader.release();
  server.write(startup);
  if (rest.length > 0) server.write(rest);
  client.pipe(server);
  server.pipe(client);
}

/** The first message that begins or cancels a session; what asks for encryption is declined (protocol-flow, 54.2.10). */
async function readStartup(client: Socket, reader: MessageReader): Promise<Buffer> {
  for (;;) {
    const message = await reader.untyped();
    const code = message.readInt32BE(4);
    if (code !== codes.ssl && code !== codes.gss) return message;
    client.write("N");
  }
}

async function logIn(client: Socket, reader: MessageReader, verifier: ScramVerifier): Promise<boolean> {
  const exchange = new ScramExchange(verifier);
  client.write(authentication(10, Buffer.from("SCRAM-SHA-256\0\0")));
  // Mechanism, length of the response, response (protocol-message-formats, SASLInitialResponse).
  const initial = await reader.password();
  const end = initial.indexOf(0);
  if (initial.toString("latin1", 0, end) !== "SCRAM-SHA-256") return false;
  const first = exchange.begin(initial.toString("utf8", end + 5));
  if (first === null) return false;
  client.write(authentication(11, Buffer.from(first)));
  const last = exchange.finish((await reader.password()).toString("utf8"));
  if (last === null) return false;
  client.write(authentication(12, Buffer.from(last)));
  return true;
}

function authentication(kind: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.write("R");
  head.writeInt32BE(8 + body.length, 1);
  head.writeInt32BE(kind, 5);
  return Buffer.concat([head, body]);
}

function refuse(client: Socket, code: string, message: string): void {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(4 + body.length, 1);
  client.end(Buffer.concat([head, body]));
}

/** Reads the few messages of a login; nothing in them is long. */
class MessageReader {
  readonly #client: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  #ended = false;
  readonly #take = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#wake?.();
  };
  readonly #end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  constructor(client: Socket) {
    this.#client = client;
    client.on("data", this.#take);
    client.on("close", this.#end);
    client.on("end", this.#end);
  }

  /** Length, code, rest. */
  async untyped(): Promise<Buffer> {
    return await this.#message(0);
  }

  /** The body of a `p` message. */
  async password(): Promise<Buffer> {
    const message = await this.#message(1);
    if (message[0] !== 0x70) throw new AppError("protocol-violation", { message: "a client did not answer the login" });
    return message.subarray(5);
  }

  /** What came behind the login; from here on somebody else reads. */
  release(): Buffer {
    this.#client.off("data", this.#take);
    this.#client.pause();
    return this.#bytes;
  }

  async #message(typeBytes: number): Promise<Buffer> {
    for (;;) {
      if (this.#bytes.length >= typeBytes + 8 || (typeBytes === 1 && this.#bytes.length >= 5)) {
        const length = this.#bytes.readInt32BE(typeBytes) + typeBytes;
        if (length < typeBytes + (typeBytes === 0 ? 8 : 4) || length > longestMessage)
          throw new AppError("protocol-violation", { message: "a client sent what is no message of a login" });
        if (this.#bytes.length >= length) {
          const message = this.#bytes.subarray(0, length);
          this.#bytes = this.#bytes.subarray(length);
          return message;
        }
      }
      if (this.#ended) throw new AppError("connection-lost", { message: "a client left before it had logged in" });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => sockets.delete(socket));
}

async function listen(server: Server, host: string, port: number | null): Promise<number> {
  const attempt = (wanted: number) =>
    new Promise<number>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port: wanted, exclusive: true }, () => {
        server.off("error", reject);
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : wanted);
      });
    });
  try {
    return await attempt(port ?? 0);
  } catch (error) {
    if (port === null || systemErrorCode(error) !== "EADDRINUSE") throw error;
    return await attempt(0);
  }
}

/** src/include/libpq/pqcomm.h. */
const codes = { cancel: 80877102, ssl: 80877103, gss: 80877104 } as const;
/** MAX_STARTUP_PACKET_LENGTH of the same file. */
const longestMessage = 10_000;
const loginMs = 30_000;
