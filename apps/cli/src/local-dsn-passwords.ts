import { readFile, stat } from "node:fs/promises";
import { systemErrorCode } from "@tidemark/kit";
import type { ConnectionSettings } from "@tidemark/postgres";
import { unusable } from "./local-dsn-error.ts";

/**
 * The password for a login in a password file, as libpq looks it up (fe-connect.c, passwordFromFile): the first line
 * whose host, port, database and user match. A file that is not there has none; one that others may read is not used,
 * with a warning. For the database also `replication` is looked for: the same login opens replication sessions.
 *
 * @throws AppError `dsn-invalid` when the hosts of one connection string have different passwords.
 */
export async function findPassword(
  path: string,
  login: Pick<ConnectionSettings, "hosts" | "user" | "database">,
  warnings: string[],
): Promise<string | null> {
  const lines = await readLines(path, warnings);
  const found = login.hosts.map((address) => {
    const host = defaultSocketFolders.has(address.host) ? "localhost" : address.host;
    for (const database of [login.database, "replication"]) {
      for (const line of lines) {
        const password = matchLine(line, [host, String(address.port), database, login.user]);
        if (password !== null) return password;
      }
    }
    return null;
  });
  const passwords = new Set(found.filter((password) => password !== null));
  if (passwords.size > 1) throw unusable(`${path} has different passwords for the hosts of one connection string`);
  return [...passwords][0] ?? null;
}

/** libpq takes the socket folder it was built with for `localhost`: Debian's, its target, and PostgreSQL's own. */
const defaultSocketFolders: ReadonlySet<string> = new Set(["/var/run/postgresql", "/run/postgresql", "/tmp"]);

async function readLines(path: string, warnings: string[]): Promise<readonly string[]> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) {
      warnings.push(`the password file ${path} is not a plain file; it was not used`);
      return [];
    }
    if ((facts.mode & 0o077) !== 0) {
      warnings.push(`the password file ${path} may be read by others; it was not used (chmod 0600 ${path})`);
      return [];
    }
    const lines = (await readFile(path, "utf8")).split("\n").map((line) => line.replace(/\r$/, ""));
    return lines.filter((line) => line !== "" && !line.startsWith("#"));
  } catch (cause) {
    if (systemErrorCode(cause) !== "ENOENT" && systemErrorCode(cause) !== "ENOTDIR")
      warnings.push(`the password file ${path} cannot be read (${systemErrorCode(cause) ?? "unknown error"})`);
    return [];
  }
}

/** The password of `host:port:database:user:password` when the first four match; a backslash takes a `:` as it is. */
function matchLine(line: string, wanted: readonly [string, string, string, string]): string | null {
  const [host, port, database, user, password] = splitFields(line);
  const fields = [host, port, database, user];
  const matches = fields.every(
    (field, index) => field !== undefined && (field.raw === "*" || field.text === wanted[index]),
  );
  return matches && password !== undefined && password.text !== "" ? password.text : null;
}

/** As written, and without its backslashes: an escaped `\*` is a name, a bare one is everything. */
function splitFields(line: string): { raw: string; text: string }[] {
  const fields = [{ raw: "", text: "" }];
  for (let at = 0; at < line.length; at++) {
    const field = fields[fields.length - 1] as { raw: string; text: string };
    const char = line[at] as string;
    if (char === ":") {
      fields.push({ raw: "", text: "" });
    } else {
      const taken = char === "\\" && at + 1 < line.length ? (line[++at] as string) : char;
      field.raw += char === "\\" ? `\\${taken}` : taken;
      field.text += taken;
    }
  }
  return fields;
}
