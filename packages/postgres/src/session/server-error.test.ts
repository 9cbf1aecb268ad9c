import { AppError, type ErrorCode } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { parseDsn } from "../connection/dsn.ts";
import { remedyFor } from "../connection/remedies.ts";
import { type ServerErrorPhase, serverError } from "./server-error.ts";

const cases: readonly [sqlState: string, routine: string, phase: ServerErrorPhase, code: ErrorCode][] = [
  ["28P01", "auth_failed", "sql", "password-wrong"],
  ["28000", "ClientAuthentication", "replication", "hba-entry-missing"],
  ["28000", "auth_failed", "sql", "auth-method-unsupported"],
  ["28000", "InitializeSessionUserId", "sql", "role-unknown"],
  ["42501", "InitPostgres", "replication", "replication-not-permitted"],
  ["42501", "sendFile", "replication", "server-error"],
  ["42501", "aclcheck_error", "sql", "privilege-missing"],
  ["3D000", "InitPostgres", "sql", "database-unknown"],
  ["53300", "InitProcess", "replication", "wal-senders-exhausted"],
  ["53300", "InitProcess", "sql", "too-many-connections"],
  ["53300", "InitPostgres", "replication", "too-many-connections"],
  ["53400", "ReplicationSlotCreate", "replication", "replication-slots-exhausted"],
  ["55000", "do_pg_backup_start", "replication", "wal-level-minimal"],
  ["58P01", "CheckXLogRemoved", "replication", "wal-removed"],
  ["58P01", "BasicOpenFile", "replication", "server-error"],
  ["42501", "check_permissions", "sql", "replication-not-permitted"],
  ["42710", "ReplicationSlotCreate", "sql", "slot-exists"],
  ["42710", "CreateRole", "sql", "server-error"],
  ["42704", "ReplicationSlotAcquireInternal", "replication", "slot-missing"],
  ["42704", "get_role_oid", "sql", "server-error"],
  ["55006", "ReplicationSlotAcquire", "replication", "slot-in-use"],
  ["55000", "pg_switch_wal", "sql", "server-in-recovery"],
  ["55000", "pg_backup_start", "sql", "backup-already-running"],
  ["57P03", "ProcessStartupPacket", "sql", "server-starting"],
  ["57P01", "ProcessInterrupts", "replication", "server-shutting-down"],
  ["22012", "int4div", "sql", "server-error"],
];

describe("serverError", () => {
  it.each(cases)("%s from %s (%s) is %s in every language", (sqlState, routine, phase, code) => {
    const report = { severity: "ERROR", sqlState, routine, message: "übersetzt", detail: null, hint: null };
    const error = serverError(report, phase, "asking");
    expect(error.code).toBe(code);
    expect(error.message).toBe("asking: übersetzt");
    expect(error.hint).toBeTruthy();
  });
});

describe("remedyFor", () => {
  const settings = parseDsn("postgresql://back-up@db/app");
  const facts = { step: "replication", settings, clientAddress: null, maxWalSenders: 3, inRecovery: false } as const;
  const failure = (code: ErrorCode, message = "", clientAddress?: string): AppError =>
    new AppError(code, { message, context: { clientAddress } });

  it("writes the pg_hba.conf line with the address the server named, in any language", () => {
    const error = failure(
      "hba-entry-missing",
      'kein pg_hba.conf-Eintrag für Host »…« "10.0.0.5", Benutzer "x"',
      "192.168.0.9",
    );
    expect(remedyFor(error, facts)?.hba).toBe("host  replication  back-up  10.0.0.5/32  scram-sha-256");
    expect(remedyFor(error, { ...facts, step: "authentication" })?.hba).toBe(
      "host  app  back-up  10.0.0.5/32  scram-sha-256\nhost  replication  back-up  10.0.0.5/32  scram-sha-256",
    );
  });

  it.each([
    ['10.9.9.9 refused the session of "u": no pg_hba.conf entry for host "fe80::5%eth0", user "u"', "fe80::5/128"],
    ["10.9.9.9 refused: kein pg_hba.conf-Eintrag für Host »10.0.0.5«, Benutzer »u«", "10.0.0.5/32"],
    ["db refused: aucune entrée dans pg_hba.conf pour l'hôte « ::1 », utilisateur « u »", "::1/128"],
  ])("reads the address in %j", (message, expected) => {
    expect(remedyFor(failure("hba-entry-missing", message), facts)?.hba).toContain(`  ${expected}  `);
  });

  it("asks for a client certificate where the line that matches wants one, and for no line", () => {
    const wanted = failure(
      "hba-entry-missing",
      '10.9.9.9 refused the session of "u": connection requires a valid client certificate',
    );
    expect(remedyFor(wanted, facts)).toEqual({ advice: expect.stringContaining("sslcert and sslkey") });
    expect(remedyFor(wanted, { ...facts, settings: { ...settings, sslMode: "disable" } })?.hba).toBeTruthy();
  });

  it("falls back to the address the server told before, then to our socket's", () => {
    const error = failure("auth-method-unsupported", "no entry", "fd00::2");
    expect(remedyFor(error, { ...facts, clientAddress: "10.9.9.9" })?.hba).toContain("10.9.9.9/32");
    expect(remedyFor(error, facts)?.hba).toContain("fd00::2/128");
  });

  it("writes a local line for a Unix socket and quotes what is a keyword", () => {
    const local = parseDsn("host=/run/postgresql user=all dbname=replication");
    expect(remedyFor(failure("hba-entry-missing"), { ...facts, settings: local, step: "authentication" })?.hba).toBe(
      'local  "replication"  "all"  scram-sha-256\nlocal  replication  "all"  scram-sha-256',
    );
  });

  it("lets no name become a line or a statement of its own", () => {
    const named = (user: string) => ({ ...facts, settings: { ...settings, user } });
    const line = remedyFor(failure("auth-method-unsupported"), named("x\nhost all all all trust"));
    expect(line).toEqual({ advice: expect.stringContaining("line end") });
    const sql = remedyFor(failure("role-unknown"), named("x$do$; DROP TABLE t; --"))?.sql ?? "";
    expect(sql).toMatch(/^DO \$do_\$ BEGIN .* END \$do_\$;\n/);
  });

  it("writes SQL that can be pasted", () => {
    expect(remedyFor(failure("replication-not-permitted"), facts)?.sql).toBe('ALTER ROLE "back-up" REPLICATION;');
    expect(remedyFor(failure("wal-level-minimal"), facts)).toMatchObject({
      sql: expect.stringContaining("ALTER SYSTEM SET wal_level = 'replica';"),
      needs: "restart",
    });
    expect(remedyFor(failure("wal-senders-exhausted"), facts)?.sql).toBe("ALTER SYSTEM SET max_wal_senders = 8;");
    expect(remedyFor(failure("password-wrong"), facts)?.advice).toContain('\\password "back-up"');
    expect(remedyFor(failure("role-unknown"), facts)?.sql?.split("\n")).toEqual([
      expect.stringContaining("WHERE rolname = 'back-up'"),
      'ALTER ROLE "back-up" LOGIN REPLICATION;',
    ]);
    expect(remedyFor(failure("server-starting"), facts)).toBeUndefined();
  });
});
