import { createConnection, createServer, type Server, type Socket } from "node:net";

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
  const state: ProxyState = { faults: initial, bytesPassed: 0, sockets: new Set() };
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
    socket.on("error", () => other.destroy());
    socket.on("close", () => {
      state.sockets.delete(socket);
      other.destroy();
    });
    socket.on("end", () => other.end());
  }
  client.on("data", (chunk) => pass(client, upstream, chunk, state));
  let received = 0;
  upstream.on("data", (chunk) => {
    const limit = firstLimit(state.faults);
    const room = limit === null ? chunk.length : Math.max(0, Math.min(chunk.length, limit.afterBytes - received));
    received += chunk.length;
    state.bytesPassed += room;
    if (room > 0) pass(upstream, client, chunk.subarray(0, room), state);
    if (limit !== null && received >= limit.afterBytes) limit.act(client, upstream);
  });
}

function pass(from: Socket, to: Socket, chunk: Buffer, state: ProxyState): void {
  const send = () => {
    if (to.destroyed || to.write(chunk)) from.resume();
    else to.once("drain", () => from.resume());
  };
  from.pause();
  const { delayMs } = state.faults;
  if (delayMs === undefined) send();
  else setTimeout(send, delayMs);
}

interface Limit {
  readonly afterBytes: number;
  act(client: Socket, upstream: Socket): void;
}

function firstLimit(faults: Faults): Limit | null {
  if (faults.cutAfterBytes !== undefined) {
    const act = (client: Socket, upstream: Socket) => {
      upstream.destroy();
      client.end(() => client.destroy());
    };
    return { afterBytes: faults.cutAfterBytes, act };
  }
  if (faults.resetAfterBytes !== undefined) {
    const act = (client: Socket, upstream: Socket) => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    return { afterBytes: faults.resetAfterBytes, act };
  }
  if (faults.stallAfterBytes !== undefined) {
    return { afterBytes: faults.stallAfterBytes, act: (_client, upstream) => upstream.pause() };
  }
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
