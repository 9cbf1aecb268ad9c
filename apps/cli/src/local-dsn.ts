import { homedir } from "node:os";
import type { Environment } from "@tidemark/kit/settings";
import { parseDsn, splitDsn } from "@tidemark/postgres";
import { unusable } from "./local-dsn-error.ts";
import { findPassword } from "./local-dsn-passwords.ts";
import { readService } from "./local-dsn-services.ts";

export interface LocalDsn {
  /** The connection string with everything in it; it holds the password. */
  readonly dsn: string;
  /** What a person should know: a password file that was not used because others may read it. */
  readonly warnings: readonly string[];
}

/**
 * Resolves on this machine what a worker elsewhere cannot: `service` (PGSERVICEFILE, ~/.pg_service.conf, then
 * pg_service.conf in PGSYSCONFDIR) and, when there is no password, the password file (`passfile`, PGPASSFILE,
 * ~/.pgpass), by libpq's rules (PostgreSQL manual, "The Connection Service File", "The Password File"). What is written
 * in the connection string wins. One that needs neither comes back as it is.
 *
 * @throws AppError `dsn-invalid`: the string, the service or its file cannot be used. Never with the password.
 */
export async function resolveLocalDsn(text: string, environment: Environment): Promise<LocalDsn> {
  const given = splitDsn(text);
  const home = environment.HOME ?? homedir();
  const pairs = new Map(given);
  for (const key of ["service", "servicefile", "passfile"]) pairs.delete(key);
  const service = given.get("service") ?? "";
  if (service !== "") {
    const place = { file: given.get("servicefile") ?? "", environment, home };
    for (const [key, value] of await readService(service, place)) if (!pairs.has(key)) pairs.set(key, value);
  }
  const passfile = given.get("passfile") || pairs.get("passfile") || environment.PGPASSFILE || `${home}/.pgpass`;
  pairs.delete("passfile");
  const warnings: string[] = [];
  if ((pairs.get("password") ?? "") === "") {
    const { hosts, user, database } = parseDsn(writePairs(pairs));
    const password = await findPassword(passfile, { hosts, user, database }, warnings);
    if (password !== null) pairs.set("password", password);
  }
  const isUnchanged = pairs.size === given.size && [...pairs].every(([key, value]) => given.get(key) === value);
  const dsn = isUnchanged ? text : writePairs(pairs);
  parseDsn(dsn);
  return { dsn, warnings };
}

/** Key-value pairs as libpq reads them: every value in quotes, quotes and backslashes escaped. */
function writePairs(pairs: ReadonlyMap<string, string>): string {
  return [...pairs]
    .map(([key, value]) => {
      // A blank or a quote in a key would make another pair of it.
      if (!/^\w+$/.test(key)) throw unusable(`"${key}" is not a parameter`);
      return `${key}='${value.replace(/['\\]/g, "\\$&")}'`;
    })
    .join(" ");
}
