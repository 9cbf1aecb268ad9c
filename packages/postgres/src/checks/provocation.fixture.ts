import { join } from "node:path";
import { type TestServer, waitFor } from "@tidemark/testkit";
import pg from "pg";
import type { Severity } from "./check.ts";
import { type ContextChanges, labRole } from "./check-lab.fixture.ts";

/** Where a provocation happens. `main` has segments of 1 MB; `old` is of 14; `plain` of 15 without checksums. */
export interface Lab {
  readonly main: TestServer;
  readonly standby: TestServer;
  readonly old: TestServer;
  readonly plain: TestServer;
}

/** How the finding of one check comes about on a real server, and what a person does who follows its advice. */
export interface Provocation {
  readonly id: string;
  readonly on: keyof Lab;
  /** The first major where it can be brought about. */
  readonly from?: number;
  /** The severity the finding must have. */
  readonly severity: Severity;
  /** Brings it about. Some are there from the start. */
  provoke?(lab: Lab): Promise<unknown>;
  /** What Tidemark knows or is, for this check. */
  context?(lab: Lab): Promise<ContextChanges> | ContextChanges;
  /** What the advice says, where it is not SQL, a setting or an hba line; done after those. */
  follow?(lab: Lab): Promise<unknown>;
  /** The context after it, when the advice is about our own side. */
  contextAfter?(lab: Lab): Promise<ContextChanges> | ContextChanges;
  /** The remedy goes to the primary. */
  readonly remedyOn?: keyof Lab;
  /** Puts back what the remedy leaves otherwise than it was. */
  cleanUp?(lab: Lab): Promise<unknown>;
}

export const role = `"${labRole.replaceAll('"', '""')}"`;
export const streams: ContextChanges = { known: { streamsWal: true } };

/** Waits for it, and says what was waited for when it does not come. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  await waitFor(condition, { what });
}

export async function set(server: TestServer, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) await server.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  await reload(server);
}

export async function setAndRestart(server: TestServer, settings: Readonly<Record<string, string>>): Promise<void> {
  await set(server, settings);
  await server.restart();
}

export async function reset(server: TestServer, ...names: string[]): Promise<void> {
  for (const name of names) await server.query(`ALTER SYSTEM RESET ${name}`);
  await reload(server);
}

/** A reload is told to the postmaster, which tells the others: waits until a session made after it is of the new time. */
export async function reload(server: TestServer): Promise<void> {
  const [before] = await server.query<{ at: string }>("SELECT pg_conf_load_time()::text AS at");
  await server.query("SELECT pg_reload_conf()");
  await until("the reload to arrive", async () => {
    const [now] = await server.query<{ at: string }>("SELECT pg_conf_load_time()::text AS at");
    return now?.at !== before?.at;
  });
}

/** Writes and closes segments, of 1 MB each on `main`. */
export async function writeWal(server: TestServer, segments: number): Promise<void> {
  for (let done = 0; done < segments; done++) {
    await server.query("SELECT pg_logical_emit_message(false, 'filler', 'some'), pg_switch_wal()");
  }
}

/** A replication session that began `command` and does not wait for its end. */
export async function beginReplication(server: TestServer, command: string): Promise<void> {
  const { superuser: user, password, port } = server;
  // pg's types know `replication` only as part of the startup packet's own names.
  const client = new pg.Client({ host: "127.0.0.1", port, user, password, replication: "true" } as pg.ClientConfig);
  client.on("error", () => undefined);
  await client.connect();
  client.query(command).catch(() => undefined);
  open.push(client);
}

const open: pg.Client[] = [];

/** Ends the sessions that provocations left open. */
export async function closeReplication(): Promise<void> {
  await Promise.allSettled(open.splice(0).map((client) => client.end()));
}

export async function slotIsActive(server: TestServer, name: string): Promise<boolean> {
  const [slot] = await server.query<{ active: boolean }>(
    "SELECT active FROM pg_replication_slots WHERE slot_name = $1",
    [name],
  );
  return slot?.active === true;
}

export async function dropSlots(server: TestServer): Promise<void> {
  await until("every slot to be free", async () => {
    const [left] = await server.query<{ n: number }>(
      "SELECT count(*)::int4 AS n FROM pg_replication_slots WHERE active",
    );
    return left?.n === 0;
  });
  await server.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
}

export const ownSlot = (server: TestServer): Promise<unknown> =>
  server.query("SELECT pg_create_physical_replication_slot('tidemark', true)");

export async function archived(server: TestServer, column: "failed_count" | "archived_count"): Promise<boolean> {
  const [row] = await server.query<{ n: number }>(`SELECT ${column}::int4 AS n FROM pg_stat_archiver`);
  return (row?.n ?? 0) > 0;
}

export async function identifierOf(server: TestServer): Promise<bigint> {
  const [row] = await server.query<{ id: string }>("SELECT system_identifier::text AS id FROM pg_control_system()");
  return BigInt(row?.id ?? 0);
}

export async function hasReceiver(server: TestServer): Promise<boolean> {
  const [row] = await server.query<{ n: number }>("SELECT count(*)::int4 AS n FROM pg_stat_wal_receiver");
  return (row?.n ?? 0) > 0;
}

export const confPath = (server: TestServer): string => join(server.dataDir, "postgresql.conf");
