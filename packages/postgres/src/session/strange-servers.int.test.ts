import { createServer, type Socket } from "node:net";
import { freePort, testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { parseDsn } from "../connection/dsn.ts";
import { testConnection } from "../connection/test-connection.ts";
import { ReplicationSession } from "./replication-session.ts";
import { SqlSession } from "./sql-session.ts";

/** A server that says what it is told to each time it hears something. */
async function speaking(
  answer: (heard: Buffer, turn: number) => Buffer | null,
): Promise<AsyncDisposable & { readonly settings: ConnectionSettings }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    let turn = 0;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (heard) => {
      const said = answer(heard, turn++);
      if (said !== null) socket.write(said);
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    settings: parseDsn(`host=127.0.0.1 port=${port} user=u password=p sslmode=disable`),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function message(type: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

describe("a pooler between us and the server", () => {
  /** PgBouncer's words (client.c, set_startup_options); its errors name no C function. */
  const refusal = (parameter: string): Buffer =>
    message("E", "SFATAL\0", "C08P01\0", `Munsupported startup parameter: ${parameter}\0`, "\0");

  it("that lets no option of the start through is named as what it is", async () => {
    await using pooler = await speaking(() => refusal("options"));
    const report = await testConnection(pooler.settings);
    const failed = report.steps.find(({ state }) => state === "failed");
    expect(failed).toMatchObject({ step: "authentication", error: { code: "protocol-violation" } });
    expect(failed?.error?.hint).toMatch(/pooler/);
    expect(failed?.error?.message).toContain("unsupported startup parameter: options");
    expect(failed?.remedy?.advice).toMatch(/PostgreSQL's own address/);
  });

  it("that knows no replication is told from a server that refuses it", async () => {
    await using pooler = await speaking(() => refusal("replication"));
    await expect(ReplicationSession.connect(pooler.settings)).rejects.toMatchObject({
      code: "replication-protocol-missing",
      hint: expect.stringMatching(/pooler/),
    });
  });
});

describe("a server that is too old", () => {
  it("is refused for its version, not for a question it does not understand", async () => {
    const ready = message("Z", "I");
    const login = Buffer.concat([message("R", int32(0)), message("S", "server_version\0", "10.23\0"), ready]);
    const done = Buffer.concat([message("C", "SET\0"), ready]);
    await using old = await speaking((_heard, turn) => (turn === 0 ? login : turn <= 2 ? done : null));
    const report = await testConnection(old.settings, { questionTimeoutMs: 500 });
    expect(report.steps.map(({ step, state }) => `${step} ${state}`).slice(-4)).toEqual([
      "database ok",
      "role skipped",
      "replication skipped",
      "version failed",
    ]);
    expect(report.steps.at(-1)?.error).toMatchObject({ code: "version-unsupported" });
  });
});

describe("a server that speaks nonsense", () => {
  it("answers IDENTIFY_SYSTEM with no number", async () => {
    const login = Buffer.concat([
      message("R", int32(0)),
      message("S", "server_version\0", "18.1\0"),
      message("Z", "I"),
    ]);
    const value = (text: string): Buffer => Buffer.concat([int32(text.length), Buffer.from(text)]);
    const row = message("D", Buffer.from([0, 3]), value("x"), value("1"), value("0/1"));
    const answer = Buffer.concat([row, message("C", "IDENTIFY_SYSTEM\0"), message("Z", "I")]);
    await using nonsense = await speaking((_heard, turn) => (turn === 0 ? login : answer));
    const session = await ReplicationSession.connect(nonsense.settings);
    await expect(session.identifySystem()).rejects.toMatchObject({ code: "protocol-violation" });
    await session.close();
  });
});

describe("a server that wants too much", () => {
  it("is not computed for longer than a login may take", async () => {
    await using greedy = await speaking((heard, turn) => {
      if (turn === 0) return message("R", int32(10), "SCRAM-SHA-256\0\0");
      const nonce = /r=([!-~]+)$/.exec(heard.toString("latin1"))?.[1] ?? "";
      return turn === 1 ? message("R", int32(11), `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=30000000`) : null;
    });
    const startedMs = performance.now();
    await expect(SqlSession.connect(greedy.settings, { timeoutMs: 100 })).rejects.toMatchObject({
      code: "connection-timeout",
    });
    // Thirty million iterations take some ten seconds.
    expect(performance.now() - startedMs).toBeLessThan(6_000);
  });
});

it("waits with a connect_timeout of weeks for a server that is there", async () => {
  await using server = await testServer({ major: 18 });
  const session = await SqlSession.connect(parseDsn(`${server.dsn()}?connect_timeout=3000000`));
  await session.close();
});
