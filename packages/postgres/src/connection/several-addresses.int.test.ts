import { createConnection, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { testServer } from "@tidemark/testkit";
import { expect, it, vi } from "vitest";
import { SqlSession } from "../session/sql-session.ts";
import { parseDsn } from "./dsn.ts";

const addresses = vi.hoisted(() => ({ found: [] as string[] }));

/** The name service is the one thing here that a test cannot have for itself. */
vi.mock("node:dns/promises", () => ({
  lookup: async () => addresses.found.map((address) => ({ address, family: 4 })),
}));

it("goes on to a name's next address when one swallows what is sent to it", async () => {
  await using server = await testServer({ major: 18 });
  await using _hole = await blackHole("127.0.0.2", server.port);
  addresses.found = ["127.0.0.2", "127.0.0.1"];
  const settings = parseDsn(server.dsn().replace("127.0.0.1", "db.example.com"));
  const session = await SqlSession.connect(settings, { timeoutMs: 8_000 });
  expect(session.opened.ip).toBe("127.0.0.1");
  await session.close();
  // The last one has all the time that is left, and its failure is told as one of the limit.
  addresses.found = ["127.0.0.2"];
  await expect(SqlSession.connect(settings, { timeoutMs: 200 })).rejects.toMatchObject({ code: "connection-timeout" });
});

/** Listens and never accepts, its queue full: the kernel drops what would open a connection, as a firewall does. */
async function blackHole(host: string, port: number): Promise<AsyncDisposable> {
  const listening = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     require("node:net").createServer().listen({ ...workerData, backlog: 1 }, () => {
       parentPort.postMessage("listening");
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true, workerData: { host, port } },
  );
  await new Promise((resolve) => listening.once("message", resolve));
  const fillers: Socket[] = [];
  for (let isFull = false; !isFull; ) {
    const socket = createConnection({ host, port });
    socket.on("error", () => undefined);
    fillers.push(socket);
    isFull = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(true), 300);
      socket.once("connect", () => {
        clearTimeout(timer);
        resolve(false);
      });
    });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of fillers) socket.destroy();
      await listening.terminate();
    },
  };
}
