import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import type { TestServer } from "@tidemark/testkit";
import { noLsn } from "../files/lsn.ts";
import { type ContextChanges, labConnection } from "./check-lab.fixture.ts";
import { identifierOf, type Provocation, reload, reset, role, set } from "./provocation.fixture.ts";

/** Connection, identity and role. */
export const sessionProvocations: readonly Provocation[] = [
  {
    id: "replication-protocol",
    on: "main",
    severity: "blocks-backup",
    provoke: async ({ main }) => {
      await writeFile(join(main.dataDir, "pg_hba.conf"), "host all all 127.0.0.1/32 scram-sha-256\n");
      await reload(main);
    },
    cleanUp: async ({ main }) => {
      await writeFile(
        join(main.dataDir, "pg_hba.conf"),
        "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n",
      );
      await reload(main);
    },
  },
  {
    id: "tls-not-required",
    on: "main",
    severity: "risk",
    context: ({ main }) => networked(main, "prefer"),
    contextAfter: ({ main }) => networked(main, "require"),
  },
  {
    id: "password-encryption",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => set(main, { password_encryption: "md5" }),
  },
  {
    id: "session-timeouts",
    on: "main",
    from: 17,
    severity: "risk",
    provoke: async ({ main }) => {
      await main.query(`ALTER ROLE ${role} SET idle_session_timeout = '1min'`);
      await main.query(`ALTER ROLE ${role} IN DATABASE postgres SET transaction_timeout = '1h'`);
      await set(main, { lock_timeout: "30s" });
    },
    cleanUp: ({ main }) => reset(main, "lock_timeout"),
  },
  {
    id: "session-timeouts",
    on: "main",
    severity: "note",
    provoke: ({ main }) => main.query(`ALTER ROLE ${role} SET idle_in_transaction_session_timeout = '1min'`),
  },
  {
    id: "system-identifier-agrees",
    on: "main",
    severity: "blocks-backup",
    context: async ({ old }) => ({
      replication: { ok: true, identity: { systemIdentifier: await identifierOf(old), timeline: 1, flushLsn: noLsn } },
    }),
    contextAfter: () => ({}),
  },
  {
    id: "system-identifier-changed",
    on: "main",
    severity: "blocks-backup",
    context: async ({ old }) => ({ known: { systemIdentifier: await identifierOf(old) } }),
    contextAfter: async ({ main }) => ({ known: { systemIdentifier: await identifierOf(main) } }),
  },
  {
    id: "system-identifier-registered",
    on: "main",
    severity: "risk",
    context: () => ({ known: { registeredAs: "orders" } }),
    contextAfter: () => ({ known: { registeredAs: null } }),
  },
  {
    id: "replication-right",
    on: "main",
    severity: "blocks-backup",
    provoke: ({ main }) => main.query(`ALTER ROLE ${role} NOREPLICATION`),
  },
  { id: "monitoring-privileges", on: "main", severity: "note" },
  { id: "operate-privileges", on: "main", severity: "note" },
  {
    id: "excess-privileges",
    on: "main",
    severity: "risk",
    provoke: async ({ main }) => {
      await main.query(`ALTER ROLE ${role} SUPERUSER CREATEDB CREATEROLE BYPASSRLS`);
      await main.query(`GRANT pg_write_server_files, pg_execute_server_program TO ${role}`);
    },
  },
  {
    id: "role-connection-limit",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => main.query(`ALTER ROLE ${role} CONNECTION LIMIT 2`),
  },
  {
    id: "role-expires",
    on: "main",
    severity: "risk",
    provoke: ({ main }) => main.query(`ALTER ROLE ${role} VALID UNTIL '${inDays(3)}'`),
  },
];

function networked(server: TestServer, sslMode: "prefer" | "require"): ContextChanges {
  return {
    connection: {
      ...labConnection(server),
      hosts: [{ host: "db.example.org", hostAddress: null, port: 5432 }],
      sslMode,
    },
    opened: { tls: null, fellBack: sslMode === "prefer" },
  };
}

function inDays(days: number): string {
  return new Date(systemClock.now().getTime() + days * 86_400_000).toISOString();
}
