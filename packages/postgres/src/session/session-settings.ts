import type { ConnectionSettings } from "../connection/connection-settings.ts";
import type { SessionOptions } from "./session-options.ts";

/**
 * DateStyle, because dates are read as ISO has them and a role may have another style. Both are among the parameters
 * that connection poolers let through.
 */
export function startupParameters(settings: ConnectionSettings, options: SessionOptions): Record<string, string> {
  const commandLine = [settings.options, options.startupOptions].filter(Boolean).join(" ");
  return {
    database: settings.database,
    DateStyle: "ISO",
    ...(commandLine === "" ? {} : { options: commandLine }),
  };
}

/**
 * What puts aside settings of the role or the database that our questions cannot live with. SET needs no snapshot, so
 * it works where a question would not. After the login, because connection poolers refuse most settings at it.
 */
export function settlingStatements(statementTimeoutMs: number): string {
  const settings = [`statement_timeout = ${statementTimeoutMs}`, ...ownSettings];
  return settings.map((setting) => `SET ${setting}`).join("; ");
}

/**
 * A standby refuses every question of a serializable session (predicate.c, GetSerializableTransactionSnapshot);
 * `extra_float_digits` below 1 rounds numbers, and with them times; backslashes in our literals mean themselves.
 */
const ownSettings: readonly string[] = [
  "default_transaction_isolation = 'read committed'",
  "extra_float_digits = 1",
  "standard_conforming_strings = on",
];
