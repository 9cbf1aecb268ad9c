import { execFile } from "node:child_process";
import { chmod, chown, copyFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { AppError, type Clock } from "@tidemark/kit";
import { faultProxy, findLeaks, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReplicationSession } from "../session/replication-session.ts";
import { SecretSearch, scramKeys } from "../session/secret-search.fixture.ts";
import { SqlSession } from "../session/sql-session.ts";
import { parseDsn } from "./dsn.ts";
import { testConnection } from "./test-connection.ts";

const fixtures = join(import.meta.dirname, "fixtures", "tls");
const files = ["ca.crt", "other-ca.crt", "good", "wrong-host", "expired", "revoked"].flatMap((name) =>
  name.includes(".") ? [name] : [`${name}.crt`, `${name}.key`],
);
const password = "seven-tides-ebb";
const hostName = "localhost";

const modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

/**
 * What each sslmode makes of each server. From the PostgreSQL manual, "SSL Support": table "SSL Mode Descriptions" (what
 * is checked), "Client Verification of Server Certificates", and the text on sslmode in "Parameter Key Words" (what is
 * tried first, and what second). `verify-*` are given our authority as sslrootcert, the others nothing.
 */
interface Scenario {
  readonly what: string;
  /** Of the server; null: ssl = off. */
  readonly certificate: "good" | "wrong-host" | "expired" | null;
  readonly user: string;
  readonly parameters?: string;
  readonly root?: string;
  /** In the order of `modes`. */
  readonly expected: readonly [string, string, string, string, string, string];
}

const scenarios: readonly Scenario[] = [
  {
    what: "a certificate that is right",
    certificate: "good",
    user: "any",
    expected: ["plain", "plain", "encrypted", "encrypted", "verified", "verified"],
  },
  {
    what: "a certificate by an unknown authority",
    certificate: "good",
    user: "any",
    root: "other-ca.crt",
    expected: ["plain", "plain", "encrypted", "encrypted", "tls-failed", "tls-failed"],
  },
  {
    what: "a server that takes TLS only (hostssl)",
    certificate: "good",
    user: "tls_only",
    // allow: plain is tried first and refused, then TLS.
    expected: ["hba-entry-missing", "encrypted", "encrypted", "encrypted", "verified", "verified"],
  },
  {
    what: "a server that takes no TLS from this role (hostnossl)",
    certificate: "good",
    user: "plain_only",
    // prefer: TLS is tried first and refused, then plain. require never falls back.
    expected: ["plain", "plain", "plain", "hba-entry-missing", "hba-entry-missing", "hba-entry-missing"],
  },
  {
    what: "a client certificate that is wanted and missing",
    certificate: "good",
    user: "client",
    expected: [
      ...(["hba-entry-missing", "hba-entry-missing", "hba-entry-missing"] as const),
      ...(["hba-entry-missing", "hba-entry-missing", "hba-entry-missing"] as const),
    ],
  },
  {
    what: "a client certificate that is wanted and given",
    certificate: "good",
    user: "client",
    parameters: `sslcert=${fixtures}/client.crt sslkey=${fixtures}/client.key`,
    expected: ["hba-entry-missing", "encrypted", "encrypted", "encrypted", "verified", "verified"],
  },
  {
    what: "a client certificate by an authority the server does not know",
    certificate: "good",
    user: "client",
    parameters: `sslcert=${fixtures}/stranger.crt sslkey=${fixtures}/stranger.key`,
    // "rejected": the server's alert, or its close overtaking it. prefer and allow have then a second try, which fails
    // for another reason that says less.
    expected: ["hba-entry-missing", "hba-entry-missing", "rejected", "rejected", "rejected", "rejected"],
  },
  {
    what: "a certificate for another host",
    certificate: "wrong-host",
    user: "any",
    expected: ["plain", "plain", "encrypted", "encrypted", "verified", "tls-failed"],
  },
  {
    what: "a certificate that expired",
    certificate: "expired",
    user: "any",
    expected: ["plain", "plain", "encrypted", "encrypted", "tls-failed", "tls-failed"],
  },
  {
    what: "no TLS at all",
    certificate: null,
    user: "any",
    expected: ["plain", "plain", "plain", "tls-not-offered", "tls-not-offered", "tls-not-offered"],
  },
];

describe.each([13, 18] as const)("TLS with PostgreSQL %i", (major) => {
  let server: TestServer;
  const search = new SecretSearch();

  beforeAll(async () => {
    server = await testServer({ major });
    const folder = await server.folder("tls");
    const owner = await stat(folder);
    for (const name of files) {
      await copyFile(join(fixtures, name), join(folder, name));
      await chown(join(folder, name), owner.uid, owner.gid);
      await chmod(join(folder, name), 0o600);
    }
    await server.query(`ALTER SYSTEM SET ssl_ca_file = '${folder}/ca.crt'`);
    await server.query("SET password_encryption = 'scram-sha-256'");
    for (const role of ["any", "tls_only", "plain_only", "client", "trusted", "cleartext"])
      await server.query(`CREATE ROLE "${role}" LOGIN REPLICATION PASSWORD '${password}'`);
    // Both statements in one string are one transaction; the hash is made with the setting of its moment.
    await server.query(`SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN REPLICATION PASSWORD '${password}'`);
    await writeFile(join(server.dataDir, "pg_hba.conf"), `${hba.join("\n")}\n`);
    await serve("good");
  });

  afterAll(async () => {
    await using _ = server;
    const verifiers = await server.query<{ rolpassword: string }>(
      "SELECT rolpassword FROM pg_authid WHERE rolpassword LIKE 'SCRAM%' AND rolname <> 'postgres'",
    );
    const keys = verifiers.flatMap(({ rolpassword }) => scramKeys(rolpassword, password));
    search.expectNone([password, "opens-the-key", "wrong-for-the-key", ...keys]);
  });

  const hba = [
    "hostssl   all,replication tls_only   127.0.0.1/32 scram-sha-256",
    "hostnossl all,replication plain_only 127.0.0.1/32 scram-sha-256",
    `hostssl   all,replication client     127.0.0.1/32 scram-sha-256 ${major >= 14 ? "clientcert=verify-full" : "clientcert=1"}`,
    "host      all,replication trusted    127.0.0.1/32 trust",
    "host      all,replication cleartext  127.0.0.1/32 password",
    "host      all,replication md5        127.0.0.1/32 md5",
    "host      all,replication any,postgres 127.0.0.1/32 scram-sha-256",
    "local     all all trust",
  ];

  /** Restarts with the certificate, or without TLS. */
  async function serve(certificate: string | null): Promise<void> {
    const folder = await server.folder("tls");
    await server.query(`ALTER SYSTEM SET ssl = ${certificate === null ? "off" : "on"}`);
    await server.query(`ALTER SYSTEM SET ssl_cert_file = '${folder}/${certificate ?? "good"}.crt'`);
    await server.query(`ALTER SYSTEM SET ssl_key_file = '${folder}/${certificate ?? "good"}.key'`);
    await server.restart();
  }

  const dsn = (user: string, parameters: string): string =>
    `host=${hostName} hostaddr=127.0.0.1 port=${server.port} user=${user} password='${password}' ${parameters}`;

  async function one(kind: typeof SqlSession | typeof ReplicationSession, text: string): Promise<string> {
    try {
      const session = await kind.connect(parseDsn(text), { logger: search.logger });
      const { tls } = session.opened;
      await session.close();
      return tls === null ? "plain" : tls.isVerified ? "verified" : "encrypted";
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      search.add(error);
      return error.code;
    }
  }

  /** Both kinds of session must agree. */
  async function outcome(text: string): Promise<string> {
    const [sql, replication] = await Promise.all([one(SqlSession, text), one(ReplicationSession, text)]);
    const rejected = ["tls-failed", "connection-lost"];
    if (sql !== replication && rejected.includes(sql) && rejected.includes(replication)) return sql;
    expect(sql).toBe(replication);
    return sql;
  }

  const served = Map.groupBy(scenarios, ({ certificate }) => certificate);
  describe.each([...served.keys()])("server certificate: %s", (certificate) => {
    beforeAll(async () => {
      await serve(certificate);
    });

    it.each(served.get(certificate) ?? [])("$what", async ({ user, parameters, root, expected }) => {
      for (const [index, mode] of modes.entries()) {
        const trusted = mode.startsWith("verify-") ? `sslrootcert=${fixtures}/${root ?? "ca.crt"}` : "";
        const got = await outcome(dsn(user, `sslmode=${mode} ${trusted} ${parameters ?? ""}`));
        const wanted = expected[index];
        if (wanted === "rejected") expect(["tls-failed", "connection-lost"], mode).toContain(got);
        else expect([mode, got]).toEqual([mode, wanted]);
      }
    });
  });

  describe("with the right certificate", () => {
    beforeAll(async () => {
      await serve("good");
    });
    const full = `sslmode=verify-full sslrootcert=${fixtures}/ca.crt`;

    it.each([
      [
        "sslmode=require with a root is verify-ca",
        `sslmode=require sslrootcert=${fixtures}/other-ca.crt`,
        "tls-failed",
      ],
      ["sslcrl lets the others through", `${full} sslcrl=${fixtures}/ca.crl`, "verified"],
      ["ssl_max_protocol_version", "sslmode=require ssl_max_protocol_version=TLSv1.2", "encrypted"],
      [
        "a sealed key",
        `sslmode=require sslcert=${fixtures}/client.crt sslkey=${fixtures}/client-sealed.key sslpassword=opens-the-key`,
        "encrypted",
      ],
      [
        "a sealed key with another password",
        `sslmode=require sslcert=${fixtures}/client.crt sslkey=${fixtures}/client-sealed.key sslpassword=wrong-for-the-key`,
        "tls-failed",
      ],
      [
        "a key that is not the certificate's",
        `sslmode=require sslcert=${fixtures}/client.crt sslkey=${fixtures}/stranger.key`,
        "tls-failed",
      ],
      ["a root that is not there", `sslmode=verify-ca sslrootcert=${fixtures}/none.crt`, "tls-failed"],
      ["sslsni=0", `${full} sslsni=0`, "verified"],
      ["TLS from the first byte", `${full} sslnegotiation=direct`, major >= 17 ? "verified" : "not understood"],
    ])("%s", async (_what, parameters, expected) => {
      const got = await outcome(dsn("any", parameters));
      // Servers before 17 take the handshake for a startup message of an absurd length and close.
      if (expected === "not understood") expect(["tls-failed", "connection-lost"]).toContain(got);
      else expect(got).toBe(expected);
    });

    it("keeps to the versions that are allowed", async () => {
      const settings = parseDsn(dsn("any", "sslmode=require ssl_max_protocol_version=TLSv1.2"));
      const session = await SqlSession.connect(settings);
      expect(session.opened.tls?.summary).toContain("TLSv1.2");
      await session.close();
      await server.query("ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1.3'");
      await server.restart();
      expect(await outcome(dsn("any", "sslmode=require ssl_max_protocol_version=TLSv1.2"))).toBe("tls-failed");
      expect(await outcome(dsn("any", "sslmode=require"))).toBe("encrypted");
      await server.query("ALTER SYSTEM RESET ssl_min_protocol_version");
      await server.restart();
    });

    it.each([
      // channel_binding=require is never met by anything but SCRAM bound to TLS (manual, "channel_binding").
      ["any", "sslmode=require channel_binding=require", "encrypted"],
      ["any", "sslmode=require channel_binding=disable", "encrypted"],
      ["any", "sslmode=disable channel_binding=require", "auth-method-unsupported"],
      ["trusted", "sslmode=require channel_binding=require", "auth-method-unsupported"],
      ["md5", "sslmode=require channel_binding=require", "auth-method-unsupported"],
      ["cleartext", "sslmode=require channel_binding=require", "auth-method-unsupported"],
      ["trusted", "sslmode=require channel_binding=prefer", "encrypted"],
      // require_auth (manual, the same chapter)
      ["any", "sslmode=require require_auth=scram-sha-256", "encrypted"],
      ["md5", "sslmode=require require_auth=scram-sha-256", "auth-method-unsupported"],
      ["cleartext", "sslmode=require require_auth=!password,!md5", "auth-method-unsupported"],
      ["trusted", "sslmode=require require_auth=scram-sha-256", "auth-method-unsupported"],
      ["trusted", "sslmode=require require_auth=none", "encrypted"],
      ["trusted", "sslmode=require require_auth=!none", "auth-method-unsupported"],
      ["md5", "sslmode=disable require_auth=!password", "plain"],
    ])("%s with %s: %s", async (user, parameters, expected) => {
      expect(await outcome(dsn(user, parameters))).toBe(expected);
    });

    it("reports the certificate, and that one ends soon", async () => {
      const settings = parseDsn(dsn("any", full));
      const report = await testConnection(settings);
      search.add(report);
      expect(report.ok).toBe(true);
      const detail = report.steps.find(({ step }) => step === "tls")?.detail;
      expect(detail).toContain("certificate verified; certificate of CN=localhost, O=Tidemark tests");
      expect(detail).toContain("(localhost, db.tidemark.test) by CN=ca, O=Tidemark tests, until 2126-01-01");
      expect(detail).not.toContain("expires");
      expect(report.facts.certificate).toMatchObject({ names: ["localhost", "db.tidemark.test"] });
      expect(report.steps.find(({ step }) => step === "authentication")?.detail).toBe(
        "scram-sha-256, bound to the TLS channel",
      );
      const later: Clock = { now: () => new Date("2125-12-24T00:00:00Z"), monotonicMs: () => 0 };
      const soon = (await testConnection(settings, { clock: later })).steps.find(({ step }) => step === "tls");
      expect(soon).toMatchObject({ state: "ok", detail: expect.stringContaining("it expires soon, on 2126-01-01") });
    });

    it("asks for the client certificate that is missing, not for a line of pg_hba.conf", async () => {
      const report = await testConnection(parseDsn(dsn("client", "sslmode=require")));
      expect(report.steps.find(({ state }) => state === "failed")).toMatchObject({
        step: "authentication",
        remedy: { advice: expect.stringContaining("sslcert and sslkey") },
      });
    });

    it("trusts this machine's authorities with sslrootcert=system", async () => {
      const script = `
        import { parseDsn, SqlSession } from ${JSON.stringify(join(import.meta.dirname, "..", "index.ts"))};
        const session = await SqlSession.connect(parseDsn(process.argv[1])).catch((error) => error);
        console.log(session.code ?? session.opened.tls.isVerified);
        await session.close?.();`;
      const run = async (environment: Record<string, string>): Promise<string> => {
        const { stdout } = await promisify(execFile)(
          process.execPath,
          ["--input-type=module", "--eval", script, dsn("any", "sslrootcert=system")],
          { env: { PATH: process.env.PATH ?? "", ...environment } },
        );
        return stdout.trim();
      };
      expect(await run({ SSL_CERT_FILE: join(fixtures, "ca.crt") })).toBe("true");
      expect(await run({})).toBe("tls-failed");
    });

    it("is never taken for standing over a line that is cut, reset, stalled or turned to nonsense", async () => {
      await using proxy = await faultProxy({ host: "127.0.0.1", port: server.port });
      const text = dsn("any", `${full} connect_timeout=30`).replace(`port=${server.port}`, `port=${proxy.port}`);
      expect(await outcome(text)).toBe("verified");
      const codes = new Set<string>();
      // Both sessions have over 1,800 bytes each; what is cut after they stand is the faulty-line test's.
      for (let at = 0; at < 1_800; at += 131) {
        for (const faults of [{ cutAfterBytes: at }, { resetAfterBytes: at }, { garbageAfterBytes: at }]) {
          proxy.setFaults(faults);
          codes.add(await one(SqlSession, text));
          codes.add(await one(ReplicationSession, text));
        }
      }
      const allowed = ["connection-lost", "tls-failed", "protocol-violation"];
      expect(allowed).toEqual(expect.arrayContaining([...codes]));
      for (const at of [0, 1, 700]) {
        proxy.setFaults({ stallAfterBytes: at });
        const hanging = SqlSession.connect(parseDsn(text.replace("connect_timeout=30", "")), { timeoutMs: 200 });
        await expect(hanging).rejects.toMatchObject({ code: "connection-timeout" });
      }
    });

    it("leaves nothing on the server", async () => {
      await waitFor(async () => (await findLeaks(server)).length === 0, { what: "the sessions to end" });
    });
  });

  it("refuses a certificate that was revoked, and says when it fell back to plaintext", async () => {
    await serve("revoked");
    const full = `sslmode=verify-full sslrootcert=${fixtures}/ca.crt`;
    expect(await outcome(dsn("any", `${full} sslcrl=${fixtures}/ca.crl`))).toBe("tls-failed");
    expect(await outcome(dsn("any", full))).toBe("verified");
    await serve(null);
    const report = await testConnection(parseDsn(dsn("any", "sslmode=prefer")));
    search.add(report);
    expect(report).toMatchObject({ ok: true, facts: { tls: null, tlsFellBack: true, certificate: null } });
    expect(report.steps.find(({ step }) => step === "tls")?.detail).toContain("going on without (sslmode=prefer)");
    const refused = await testConnection(parseDsn(dsn("any", "sslmode=require")));
    search.add(refused);
    expect(refused.steps.find(({ state }) => state === "failed")).toMatchObject({
      step: "tls",
      error: { code: "tls-not-offered" },
    });
  });
});
