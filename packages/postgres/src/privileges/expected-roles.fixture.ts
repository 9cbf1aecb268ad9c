import type { TestServer } from "@tidemark/testkit";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { parseDsn } from "../connection/dsn.ts";
import type { ExpectedRole } from "./expected-results.ts";
import { roleScript } from "./role-script.ts";
import { sqlLiteral, sqlName } from "./sql-text.ts";

/** Roles of `expected-results.ts`; `inherit-false` is noinherit as 16 and later also write it. */
export type TestRole = ExpectedRole | "inherit-false";

/** A name of 63 bytes with what names may have: quotes of both kinds, backslash, blank, dollar, letters beyond ASCII. */
export function roleName(role: TestRole | "group" | "victim"): string {
  const start = `${role} "q" 'ü\\ $do$ `;
  return start + "x".repeat(63 - Buffer.byteLength(start, "utf8"));
}

export const rolePassword = "päss 'wörd";

/** Makes every role of the tables on a primary; its standby gets them by replication. */
export async function makeExpectedRoles(primary: TestServer): Promise<void> {
  const { major } = primary;
  const name = (role: TestRole | "group" | "victim"): string => sqlName(roleName(role));
  const password = sqlLiteral(rolePassword);
  const script = (role: "minimal" | "operate", purpose: "backup" | "operate"): string =>
    roleScript({ major, role: roleName(role), purpose, database: "postgres" });
  const statements = [
    `CREATE ROLE ${name("superuser")} LOGIN SUPERUSER`,
    script("minimal", "backup"),
    script("operate", "operate"),
    // A script can be run again.
    script("operate", "operate"),
    `CREATE ROLE ${name("nobody")} LOGIN`,
    `CREATE ROLE ${name("victim")} LOGIN`,
    ...makeGroup(major, name("group")),
    `CREATE ROLE ${name("noinherit")} LOGIN NOINHERIT`,
    `GRANT ${name("group")} TO ${name("noinherit")}`,
    ...fileFunctions.map((signature) => `GRANT EXECUTE ON FUNCTION ${signature} TO ${name("noinherit")}`),
    ...(major < 16
      ? []
      : [
          `CREATE ROLE ${name("inherit-false")} LOGIN INHERIT`,
          `GRANT ${name("group")} TO ${name("inherit-false")} WITH INHERIT FALSE`,
          ...fileFunctions.map((signature) => `GRANT EXECUTE ON FUNCTION ${signature} TO ${name("inherit-false")}`),
        ]),
  ];
  for (const statement of statements) await primary.query(statement);
  for (const role of testRoles(major)) await primary.query(`ALTER ROLE ${name(role)} PASSWORD ${password}`);
  await primary.query(`ALTER ROLE ${name("victim")} PASSWORD ${password}`);
}

export function testRoles(major: number): TestRole[] {
  const roles: TestRole[] = ["superuser", "minimal", "operate", "noinherit", "nobody"];
  return major < 16 ? roles : [...roles, "inherit-false"];
}

export function settingsOf(server: TestServer, role: TestRole | "victim"): ConnectionSettings {
  const plain = parseDsn(server.dsn({ user: "someone", password: rolePassword }));
  return { ...plain, user: roleName(role) };
}

const fileFunctions = ["pg_read_binary_file(text, bigint, bigint, boolean)", "pg_stat_file(text, boolean)"];

/** A group that holds everything the tables ask for. */
function makeGroup(major: number, group: string): string[] {
  const functions = [
    ...fileFunctions,
    "pg_ls_dir(text, boolean, boolean)",
    "pg_switch_wal()",
    "pg_create_restore_point(text)",
    "pg_hba_file_rules()",
    ...(major >= 15
      ? ["pg_backup_start(text, boolean)", "pg_backup_stop(boolean)"]
      : ["pg_start_backup(text, boolean, boolean)", "pg_stop_backup(boolean, boolean)"]),
  ];
  const roles = ["pg_monitor", "pg_read_server_files", "pg_signal_backend", ...(major >= 15 ? ["pg_checkpoint"] : [])];
  return [
    `CREATE ROLE ${group} REPLICATION`,
    ...functions.map((signature) => `GRANT EXECUTE ON FUNCTION ${signature} TO ${group}`),
    ...roles.map((role) => `GRANT ${role} TO ${group}`),
    `GRANT SELECT ON pg_catalog.pg_hba_file_rules TO ${group}`,
  ];
}
