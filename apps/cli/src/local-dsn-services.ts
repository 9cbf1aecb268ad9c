import { readFile } from "node:fs/promises";
import { systemErrorCode } from "@tidemark/kit";
import type { Environment } from "@tidemark/kit/settings";
import { unusable } from "./local-dsn-error.ts";

export interface ServicePlace {
  /** The parameter `servicefile`; empty when it was not given. */
  readonly file: string;
  readonly environment: Environment;
  readonly home: string;
}

/**
 * The parameters of a service, as libpq finds them (fe-connect.c, parseServiceInfo): the file that was named must be
 * there; the one in the home folder and the machine's need not.
 *
 * @throws AppError `dsn-invalid`.
 */
export async function readService(service: string, place: ServicePlace): Promise<ReadonlyMap<string, string>> {
  const { environment, home } = place;
  const named = place.file || environment.PGSERVICEFILE || null;
  const looked: string[] = [];
  const candidates = [
    named ?? `${home}/.pg_service.conf`,
    ...(environment.PGSYSCONFDIR ? [environment.PGSYSCONFDIR] : systemFolders).map(
      (folder) => `${folder}/pg_service.conf`,
    ),
  ];
  for (const path of candidates) {
    const text = await readIfThere(path);
    if (text === null && path === named) throw unusable(`the service file ${path} is not there`);
    looked.push(path);
    const found = text === null ? null : parseService(text, service, path);
    if (found !== null) return found;
  }
  throw unusable(`the service "${service}" is defined in none of ${looked.join(", ")}`);
}

/** Where packages are built to look (pg_config --sysconfdir): Debian's, the PGDG's for RPM, and PostgreSQL's own. */
const systemFolders = ["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/usr/local/pgsql/etc"];

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (systemErrorCode(cause) === "ENOENT" || systemErrorCode(cause) === "ENOTDIR") return null;
    throw unusable(`the service file ${path} cannot be read (${systemErrorCode(cause) ?? "unknown error"})`);
  }
}

/**
 * The pairs below `[service]`; null when the file has no such section. As libpq reads it: a comment begins a line,
 * nothing is trimmed round `=`, the first of two sections of a name counts, and the first value of a key.
 */
function parseService(text: string, service: string, path: string): ReadonlyMap<string, string> | null {
  let pairs: Map<string, string> | null = null;
  for (const [index, raw] of text.split("\n").entries()) {
    // C's isspace(): other blanks of Unicode belong to the value.
    const line = raw.replace(/^[ \t\v\f\r]+|[ \t\v\f\r]+$/g, "");
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (pairs !== null) return pairs;
      if (line.startsWith(`[${service}]`)) pairs = new Map();
    } else if (pairs !== null) {
      const equals = line.indexOf("=");
      const where = `line ${index + 1} of the service file ${path}`;
      if (line.startsWith("ldap")) throw unusable(`${where} asks an LDAP server, which is not supported`);
      if (equals === -1) throw unusable(`${where} has no "="`);
      const key = line.slice(0, equals);
      if (key === "service" || key === "servicefile") throw unusable(`${where} names a service inside a service`);
      if (!pairs.has(key)) pairs.set(key, line.slice(equals + 1));
    }
  }
  return pairs;
}
