import { chmod, chown, copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { faultProxy, freePort, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { BaseBackupEvent, BaseBackupOptions } from "../base-backup/base-backup-events.ts";
import { receiveBackup } from "../base-backup/receive-backup.fixture.ts";
import { type ConnectionSettings, isUnixSocket } from "../connection/connection-settings.ts";
import { parseDsn } from "../connection/dsn.ts";
import { testConnection } from "../connection/test-connection.ts";
import { ReplicationSession } from "./replication-session.ts";
import { SqlSession } from "./sql-session.ts";

const fixtures = join(import.meta.dirname, "fixtures", "tls");
const options: BaseBackupOptions = { label: "test", checkpoint: "fast", includeWal: true, progress: true };

let server: TestServer;

beforeAll(async () => {
  server = await testServer({ major: 18 });
  const folder = await server.folder("tls");
  const owner = await stat(folder);
  for (const name of ["root.crt", "server.crt", "server.key"]) {
    await copyFile(join(fixtures, name), join(folder, name));
    await chown(join(folder, name), owner.uid, owner.gid);
    await chmod(join(folder, name), 0o600);
  }
  await server.query(`ALTER SYSTEM SET ssl_cert_file = '${folder}/server.crt'`);
  await server.query(`ALTER SYSTEM SET ssl_key_file = '${folder}/server.key'`);
  await server.query(`ALTER SYSTEM SET ssl_ca_file = '${folder}/root.crt'`);
  await server.query("ALTER SYSTEM SET ssl = on");
  await server.query("CREATE TABLE big AS SELECT g, repeat('y', 500) AS text FROM generate_series(1, 160000) g");
  for (const role of ["scram_user", "clear_user", "tls_only", "plain_only", "tls_client"]) {
    await server.query(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'päss wörd'`);
  }
  await server.query("SET password_encryption = 'md5'; CREATE ROLE md5_user LOGIN REPLICATION PASSWORD 'secret'");
  await writeFile(
    join(server.dataDir, "pg_hba.conf"),
    [
      "hostssl   all,replication tls_only   127.0.0.1/32 scram-sha-256",
      "hostnossl all,replication plain_only 127.0.0.1/32 scram-sha-256",
      "host      all,replication clear_user 127.0.0.1/32 password",
      "host      all,replication md5_user   127.0.0.1/32 md5",
      "hostssl   all,replication tls_client 127.0.0.1/32 cert",
      "host      all,replication scram_user,postgres 127.0.0.1/32 scram-sha-256",
      "local     all,replication all        scram-sha-256",
    ].join("\n"),
  );
  await server.restart();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

/** Settings for the server as `localhost`, the name in its certificate. */
function settings(user: string, parameters: string, password = "päss wörd"): ConnectionSettings {
  return parseDsn(
    `host=localhost hostaddr=127.0.0.1 port=${server.port} user=${user} password='${password}' ${parameters}`,
  );
}

/** Both kinds of session must agree; says whether they were encrypted, or the code they failed with. */
async function outcome(wanted: ConnectionSettings): Promise<string> {
  const outcomes = await Promise.all(
    [ReplicationSession, SqlSession].map(async (kind) => {
      try {
        const session = await kind.connect(wanted);
        const { tls, address } = session.opened;
        await session.close();
        return tls === null ? (isUnixSocket(address) ? "socket" : "plain") : tls.isVerified ? "verified" : "encrypted";
      } catch (error) {
        return (error as { readonly code: string }).code;
      }
    }),
  );
  expect(outcomes[0]).toBe(outcomes[1]);
  return outcomes[0] as string;
}

describe("sslmode", () => {
  const root = `sslrootcert=${fixtures}/root.crt`;
  const other = `sslrootcert=${fixtures}/other-root.crt`;
  it.each([
    ["scram_user", "sslmode=disable", "plain"],
    ["scram_user", "sslmode=allow", "plain"],
    ["tls_only", "sslmode=allow", "encrypted"],
    ["scram_user", "sslmode=prefer", "encrypted"],
    ["plain_only", "sslmode=prefer", "plain"],
    ["plain_only", "sslmode=require", "hba-entry-missing"],
    ["tls_only", "sslmode=disable", "hba-entry-missing"],
    ["scram_user", "sslmode=require", "encrypted"],
    ["scram_user", `sslmode=require ${root}`, "verified"],
    ["scram_user", `sslmode=require ${other}`, "tls-failed"],
    ["scram_user", `sslmode=verify-ca ${root}`, "verified"],
    ["scram_user", `sslmode=verify-ca ${other}`, "tls-failed"],
    ["scram_user", `sslmode=verify-full ${root}`, "verified"],
    ["scram_user", "sslmode=verify-full sslrootcert=system", "tls-failed"],
    ["scram_user", "sslmode=verify-ca sslrootcert=/no/such/file", "tls-failed"],
    ["tls_client", `sslmode=require sslcert=${fixtures}/client.crt sslkey=${fixtures}/client.key`, "encrypted"],
    ["tls_client", "sslmode=require", "hba-entry-missing"],
  ])("%s with %s: %s", async (user, parameters, expected) => {
    expect(await outcome(settings(user, parameters))).toBe(expected);
  });

  it("prefer says that it went on without TLS, also where the server offers it and refuses the login over it", async () => {
    for (const [user, fellBack] of [
      ["plain_only", true],
      ["scram_user", false],
    ] as const) {
      const session = await SqlSession.connect(settings(user, "sslmode=prefer"));
      expect([user, session.opened.fellBack]).toEqual([user, fellBack]);
      await session.close();
    }
    const { facts, steps } = await testConnection(settings("plain_only", "sslmode=prefer"));
    expect(facts).toMatchObject({ tls: null, tlsFellBack: true });
    expect(steps.find(({ step }) => step === "tls")).toMatchObject({
      state: "ok",
      detail: expect.stringContaining("without"),
    });
  });

  it("verify-full refuses another name than the certificate's, verify-ca does not ask for it", async () => {
    const by = (mode: string): ConnectionSettings =>
      parseDsn(`host=127.0.0.1 port=${server.port} user=scram_user password='päss wörd' sslmode=${mode} ${root}`);
    expect(await outcome(by("verify-full"))).toBe("tls-failed");
    expect(await outcome(by("verify-ca"))).toBe("verified");
  });
});

describe("logging in", () => {
  it("gives a cleartext password over TLS only", async () => {
    expect(await outcome(settings("clear_user", "sslmode=require"))).toBe("encrypted");
    expect(await outcome(settings("clear_user", "sslmode=disable"))).toBe("auth-method-unsupported");
  });

  it("knows md5", async () => {
    expect(await outcome(settings("md5_user", "sslmode=disable", "secret"))).toBe("plain");
    expect(await outcome(settings("md5_user", "sslmode=disable", "wrong"))).toBe("password-wrong");
  });

  it("goes through a Unix socket", async () => {
    const local = parseDsn(server.dsn({ via: "socket" }));
    expect(await outcome({ ...local, sslMode: "require" })).toBe("socket");
  });

  it("tries the next host when one cannot be reached, but not when one refuses the login", async () => {
    const deadPort = await freePort();
    const two = (password: string): ConnectionSettings =>
      parseDsn(`host=127.0.0.1,127.0.0.1 port=${deadPort},${server.port} user=scram_user password='${password}'`);
    expect(await outcome(two("päss wörd"))).toBe("encrypted");
    const reversed = two("wrong");
    const [first, second] = reversed.hosts as unknown as [
      ConnectionSettings["hosts"][0],
      ConnectionSettings["hosts"][0],
    ];
    expect(await outcome({ ...reversed, hosts: [second, first] })).toBe("password-wrong");
    const dead = parseDsn(`host=127.0.0.1,127.0.0.1 port=${deadPort} user=u password=p`);
    await expect(ReplicationSession.connect(dead)).rejects.toThrow(/no host could be reached/);
  });
});

describe("a server that is none", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const fake of servers.splice(0)) fake.close();
  });

  async function fake(answer: string | null): Promise<ConnectionSettings> {
    const listening = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      if (answer !== null) socket.once("data", () => socket.write(answer));
    });
    servers.push(listening);
    const port = await freePort();
    await new Promise<void>((resolve) => listening.listen(port, "127.0.0.1", resolve));
    return parseDsn(`host=127.0.0.1 port=${port} user=u password=p`);
  }

  it("is given up after the time allowed", async () => {
    const silent = await fake(null);
    for (const kind of [ReplicationSession, SqlSession]) {
      await expect(kind.connect(silent, { timeoutMs: 150 })).rejects.toMatchObject({ code: "connection-timeout" });
      await expect(kind.connect({ ...silent, sslMode: "disable" }, { timeoutMs: 150 })).rejects.toMatchObject({
        code: "connection-timeout",
      });
    }
  });

  it("is recognised by its answer", async () => {
    const web = await fake("HTTP/1.1 400 Bad Request\r\n\r\n");
    await expect(ReplicationSession.connect(web)).rejects.toMatchObject({ code: "protocol-violation" });
    await expect(ReplicationSession.connect({ ...web, sslMode: "disable" })).rejects.toMatchObject({
      code: "protocol-violation",
    });
  });

  it("cannot slip bytes in before TLS stands", async () => {
    await expect(ReplicationSession.connect(await fake("Sx"))).rejects.toMatchObject({ code: "protocol-violation" });
  });

  it("is not waited for when cancelled", async () => {
    const silent = await fake(null);
    const controller = new AbortController();
    const connecting = ReplicationSession.connect(silent, { signal: controller.signal });
    controller.abort();
    await expect(connecting).rejects.toMatchObject({ code: "cancelled" });
    await expect(SqlSession.connect(silent, { signal: controller.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});

describe("a base backup over a bad line", () => {
  it.each(["cutAfterBytes", "resetAfterBytes"] as const)("is lost, not short (%s)", async (fault) => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port }, { [fault]: 12_000_000 });
    const through = settings("scram_user", `sslmode=disable port=${proxy.port}`);
    const session = await ReplicationSession.connect(through);
    await expect(receiveBackup(session.baseBackup(options))).rejects.toMatchObject({ code: "backup-session-lost" });
    await session.close();
  });

  it.each(["disable", "require"])("is not read ahead of who pulls it (sslmode=%s)", async (mode) => {
    await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port });
    const session = await ReplicationSession.connect(settings("scram_user", `sslmode=${mode} port=${proxy.port}`));
    const events = session.baseBackup(options).events();
    for (let event = await events.next(); event.value?.kind !== "file-data"; event = await events.next());
    const passed = await settled(() => proxy.bytesPassed);
    // What fits into the kernel's buffers of two connections and our own; the backup has over 120 MB.
    expect(passed).toBeLessThan(40_000_000);
    let end: BaseBackupEvent | null = null;
    for await (const event of events) end = event;
    expect(end?.kind).toBe("end");
    expect(proxy.bytesPassed).toBeGreaterThan(100_000_000);
    await session.close();
  });

  it("arrives whole over TLS, and the session can be used again", async () => {
    const session = await ReplicationSession.connect(settings("scram_user", "sslmode=require"));
    const backup = await receiveBackup(session.baseBackup(options));
    expect(backup.files.size).toBeGreaterThan(900);
    expect((await session.identifySystem()).timeline).toBe(1);
    const commands = session.identifySystem();
    await expect(session.show("port")).rejects.toMatchObject({ code: "internal" });
    await commands;
    await session.close();
    await session.close();
  });
});

/** The value once it no longer changes. */
async function settled(value: () => number): Promise<number> {
  return await waitFor(
    async () => {
      const before = value();
      await delay(200);
      return value() === before ? before : null;
    },
    { what: "the bytes to stop" },
  );
}

it("never shows a password", async () => {
  const secret = settings("scram_user", "sslmode=disable", "hunter2 wrong");
  const error = await SqlSession.connect(secret).catch((thrown: unknown) => thrown);
  expect(JSON.stringify(error) + String(error) + JSON.stringify(secret)).not.toContain("hunter2");
  expect(await readFile(server.cluster.logPath, "utf8")).not.toContain("hunter2");
});
