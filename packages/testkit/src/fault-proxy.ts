import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What may be done to the bytes on their way. */
export interface Faults {
  /** Holds every chunk back this long. */
  readonly delayMs?: number;
  /** Ends a connection (FIN) once so many bytes have come from the target on it. */
  readonly cutAfterBytes?: number;
  /** As `cutAfterBytes`, but with a reset (RST). */
  readonly resetAfterBytes?: number;
  /** Passes nothing more from the target after so many bytes, and keeps the connection open. */
  readonly stallAfterBytes?: number;
  /** Passes nonsense instead of what the target says after so many bytes: every byte is changed, by its place. */
  readonly garbageAfterBytes?: number;
  /**
   * As a machine that vanished: after so many bytes the target's side is gone (RST), the client's side stays open and
   * silent, and takes whatever is sent.
   */
  readonly halfOpenAfterBytes?: number;
  /** Refuses new connections by closing them at once. */
  readonly refuse?: boolean;
}

/** A TCP proxy on loopback in front of `target` that misbehaves as told. `await using` closes it. */
export interface FaultProxy extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Bytes passed from the target to clients so far, all connections together. */
  readonly bytesPassed: number;
  /** Connections open now. */
  readonly connections: number;
  /** Replaces the faults; holds for connections already open too, whose own byte counts go on. */
  setFaults(faults: Faults): void;
  /** Resets all connections at once. */
  resetAll(): void;
}

export async function faultProxy(
  target: { readonly host: string; readonly port: number },
  initial: Faults = {},
): Promise<FaultProxy> {
  const state: ProxyState = { faults: initial, bytesPassed: 0, sockets: new Set(), halfOpen: new WeakSet() };
  const server = createServer({ allowHalfOpen: true }, (client) => serve(client, target, state));
  const port = await listen(server);
  return {
    host: "127.0.0.1",
    port,
    get bytesPassed() {
      return state.bytesPassed;
    },
    get connections() {
      return state.sockets.size / 2;
    },
    setFaults: (faults) => {
      state.faults = faults;
    },
    resetAll: () => {
      for (const socket of state.sockets) socket.resetAndDestroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of state.sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface ProxyState {
  faults: Faults;
  bytesPassed: number;
  readonly sockets: Set<Socket>;
  /** Clients whose target has gone without their being told. */
  readonly halfOpen: WeakSet<Socket>;
}

function serve(client: Socket, target: { readonly host: string; readonly port: number }, state: ProxyState): void {
  if (state.faults.refuse === true) {
    client.destroy();
    return;
  }
  const upstream = createConnection({ ...target, allowHalfOpen: true });
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    state.sockets.add(socket);
    // The other side learns of a failure by its own connection ending.
    const end = (): void => {
      if (socket === upstream && state.halfOpen.has(client)) return;
      other.destroy();
    };
    socket.on("error", end);
    socket.on("close", () => {
      state.sockets.delete(socket);
      end();
    });
  }
  // A connection that breaks ends its pump with an error; both sockets are destroyed by then.
  pump(client, upstream, state).catch(() => undefined);
  pumpAnswers(upstream, client, state).catch(() => undefined);
}

async function pump(from: Socket, to: Socket, state: ProxyState): Promise<void> {
  const closed = closeSignal(to);
  for await (const chunk of chunksOf(from)) {
    if (!state.halfOpen.has(from)) await pass(to, chunk, state, closed);
  }
  to.end();
}

async function pumpAnswers(upstream: Socket, client: Socket, state: ProxyState): Promise<void> {
  const closed = closeSignal(client);
  let received = 0;
  for await (const chunk of chunksOf(upstream)) {
    const limit = firstLimit(state.faults);
    const room = limit === null ? chunk.length : Math.max(0, Math.min(chunk.length, limit.afterBytes - received));
    received += chunk.length;
    state.bytesPassed += room;
    if (room > 0) await pass(client, chunk.subarray(0, room), state, closed);
    if (limit === null || received < limit.afterBytes) continue;
    if (limit.kind === "garbage") {
      await pass(client, nonsense(chunk.subarray(room), received - chunk.length + room), state, closed);
      continue;
    }
    if (limit.kind === "half-open") {
      state.halfOpen.add(client);
      upstream.resetAndDestroy();
      return;
    }
    if (limit.kind === "stall") return await new Promise<void>((resolve) => client.once("close", () => resolve()));
    if (limit.kind === "reset") client.resetAndDestroy();
    else await new Promise<void>((resolve) => client.end(resolve));
    client.destroy();
    upstream.destroy();
    return;
  }
  client.end();
}

function nonsense(bytes: Buffer, from: number): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ ((((from + index) * 73 + 41) & 0xff) | 1)));
}

function chunksOf(socket: Socket): AsyncIterable<Buffer> {
  return socket.iterator({ destroyOnReturn: false });
}

async function pass(to: Socket, chunk: Buffer, state: ProxyState, closed: AbortSignal): Promise<void> {
  const { delayMs } = state.faults;
  if (delayMs !== undefined) await delay(delayMs);
  if (!to.destroyed && !to.write(chunk)) await once(to, "drain", { signal: closed });
}

function closeSignal(socket: Socket): AbortSignal {
  const closed = new AbortController();
  socket.once("close", () => closed.abort());
  return closed.signal;
}

interface Limit {
  readonly kind: "cut" | "reset" | "stall" | "garbage" | "half-open";
  readonly afterBytes: number;
}

function firstLimit(faults: Faults): Limit | null {
  if (faults.cutAfterBytes !== undefined) return { kind: "cut", afterBytes: faults.cutAfterBytes };
  if (faults.resetAfterBytes !== undefined) return { kind: "reset", afterBytes: faults.resetAfterBytes };
  if (faults.stallAfterBytes !== undefined) return { kind: "stall", afterBytes: faults.stallAfterBytes };
  if (faults.garbageAfterBytes !== undefined) return { kind: "garbage", afterBytes: faults.garbageAfterBytes };
  if (faults.halfOpenAfterBytes !== undefined) return { kind: "half-open", afterBytes: faults.halfOpenAfterBytes };
  return null;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("the proxy got no port"));
      else resolve(address.port);
    });
  });
}
