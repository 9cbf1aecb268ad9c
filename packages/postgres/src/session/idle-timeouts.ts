import type { SqlSession } from "./sql-session.ts";

/**
 * Switches off, for this session only, the timeouts by which the server ends sessions that are quiet:
 * `idle_in_transaction_session_timeout`, and from 14 on `idle_session_timeout`. For a session that must stay while an
 * act of hours runs elsewhere. Any role may.
 */
export async function neutraliseIdleTimeouts(session: SqlSession): Promise<void> {
  if (before.has(session)) return;
  const names = session.major >= 14 ? [...since13, ...since14] : since13;
  const rows = await session.query<SettingRow>(
    "SELECT name, pg_catalog.current_setting(name) AS value FROM pg_catalog.unnest($1::text[]) AS name",
    [names],
  );
  await set(session, names, () => "0");
  before.set(session, rows);
}

/** Puts back what `neutraliseIdleTimeouts` found. Does nothing for a session whose timeouts it did not touch. */
export async function restoreIdleTimeouts(session: SqlSession): Promise<void> {
  const rows = before.get(session);
  if (rows === undefined) return;
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  await set(session, [...values.keys()], (name) => values.get(name) ?? "0");
  before.delete(session);
}

interface SettingRow {
  readonly name: string;
  readonly value: string;
}

const since13 = ["idle_in_transaction_session_timeout"];
const since14 = ["idle_session_timeout"];
const before = new WeakMap<SqlSession, readonly SettingRow[]>();

async function set(session: SqlSession, names: readonly string[], value: (name: string) => string): Promise<void> {
  await session.query(
    `SELECT pg_catalog.set_config(name, value, false)
       FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS wanted (name, value)`,
    [names, names.map(value)],
  );
}
