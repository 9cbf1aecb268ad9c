import { createConnection, createServer } from "node:net";
import { expect, it } from "vitest";
import { type Faults, faultProxy } from "./fault-proxy.ts";
import { waitFor } from "./wait-for.ts";

const letter = Buffer.alloc(100_000, "tidemark ");

interface Received {
  readonly bytes: number;
  readonly ended: "fin" | "error" | "open";
}

/** Reads a 100 kB letter through a proxy with `faults`, until the connection ends or `enough` bytes have come. */
async function readThrough(faults: Faults, enough = Number.POSITIVE_INFINITY): Promise<Received> {
  const server = createServer((socket) => socket.on("error", () => undefined).end(letter));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  await using proxy = await faultProxy({ host: "127.0.0.1", port }, faults);
  try {
    return await new Promise<Received>((resolve) => {
      const socket = createConnection(proxy.port, "127.0.0.1");
      let bytes = 0;
      const finish = (ended: Received["ended"]) => {
        socket.destroy();
        resolve({ bytes, ended });
      };
      socket.on("data", (chunk) => {
        bytes += chunk.length;
        if (bytes >= enough) setImmediate(() => finish("open"));
      });
      socket.on("end", () => finish("fin"));
      socket.on("error", () => finish("error"));
    });
  } finally {
    server.close();
  }
}

it("passes everything unchanged in size when it has no faults", async () => {
  expect(await readThrough({})).toEqual({ bytes: letter.length, ended: "fin" });
});

it("cuts after exactly so many bytes", async () => {
  expect(await readThrough({ cutAfterBytes: 777 })).toEqual({ bytes: 777, ended: "fin" });
});

it("resets after so many bytes", async () => {
  expect((await readThrough({ resetAfterBytes: 777 })).ended).toBe("error");
});

it("stalls after exactly so many bytes without ending", async () => {
  expect(await readThrough({ stallAfterBytes: 777 }, 777)).toEqual({ bytes: 777, ended: "open" });
});

it("passes nonsense after exactly so many bytes", async () => {
  expect(await readThrough({ garbageAfterBytes: 777 })).toEqual({ bytes: letter.length, ended: "fin" });
});

it("leaves a client alone with an open line when its target is gone", async () => {
  expect(await readThrough({ halfOpenAfterBytes: 777 }, 777)).toEqual({ bytes: 777, ended: "open" });
});

it("refuses new connections when told to", async () => {
  expect(await readThrough({ refuse: true })).toMatchObject({ bytes: 0 });
});

it("still passes everything when it is slow", async () => {
  expect(await readThrough({ delayMs: 1 })).toEqual({ bytes: letter.length, ended: "fin" });
});

it("forgets a connection when both sides have gone", async () => {
  const server = createServer((socket) => socket.on("error", () => undefined).resume());
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  await using proxy = await faultProxy({ host: "127.0.0.1", port });
  const socket = createConnection(proxy.port, "127.0.0.1").on("error", () => undefined);
  await waitFor(() => proxy.connections === 1, { what: "the connection to be passed on" });
  proxy.resetAll();
  await waitFor(() => proxy.connections === 0, { what: "the connection to be forgotten" });
  socket.destroy();
  server.close();
});
