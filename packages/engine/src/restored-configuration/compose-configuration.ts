import type { PgControl } from "@tidemark/postgres";
import type { BackupConfiguration, BackupFacts } from "@tidemark/repository";
import { withoutPasswords } from "./edit-configuration.ts";
import { sourceSetting } from "./source-settings.ts";

/** A file a restore writes although the backup does not hold it. */
export interface ComposedFile {
  /** Below the data directory. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** The files PostgreSQL reads from its data directory unless told otherwise; without the first two it does not start. */
export const configurationNames = ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"] as const;

/** Beside the data: the source's own files by their paths, and what is known of those that could not be read. */
export const originalsFolder = "tidemark-original-configuration";

/**
 * What stands in for configuration files that are not in the data directory (Debian keeps them in /etc): a
 * `postgresql.conf` that boots and no more, a `pg_hba.conf` that lets each local account in as the role of its own name,
 * an empty `pg_ident.conf`; and the originals in a folder beside them, which nothing reads.
 */
export function composeConfiguration(
  backupId: string,
  facts: BackupFacts,
  missing: readonly string[],
  control: PgControl,
  folder: string = originalsFolder,
): readonly ComposedFile[] {
  if (missing.length === 0) return [];
  const text: Readonly<Record<string, () => string>> = {
    "postgresql.conf": () => minimalSettings(backupId, facts, control, folder),
    "pg_hba.conf": () =>
      `${origin(backupId, facts, "pg_hba.conf", folder)}# Each account of this machine may log in as the role of its own name, over the socket; nobody else.\n# Put the lines of the original here that the restored server shall have, and reload.\nlocal all all peer\n`,
    "pg_ident.conf": () => origin(backupId, facts, "pg_ident.conf", folder),
  };
  const written = missing.map((path) => ({ path, bytes: Buffer.from(text[path]?.() ?? "") }));
  return [...written, ...originals(facts.configuration, folder)];
}

function origin(backupId: string, facts: BackupFacts, name: string, folder: string): string {
  const purpose = name === "postgresql.conf" ? "config" : name === "pg_hba.conf" ? "hba" : "ident";
  const known = facts.configuration?.files.find((file) => file.purpose === purpose);
  const path = known?.path === null || known?.path === undefined ? "" : ` (there it was ${oneLine(known.path)})`;
  const where =
    facts.configuration === null
      ? "# Of the original nothing is known: the backup was taken without its configuration.\n"
      : `# What is known of the original is in ${folder}/.\n`;
  return `# Written by Tidemark when it restored backup ${backupId} of ${oneLine(facts.serverName)}, whose data directory holds no ${name}${path}.\n${where}`;
}

/** Limits a server in recovery must not undercut (pg_control), and what else its WAL was written with. */
function minimalSettings(backupId: string, facts: BackupFacts, control: PgControl, folder: string): string {
  const { limits, walLevel } = control;
  const libraries = sourceSetting(facts.configuration, "shared_preload_libraries");
  const lines = [
    origin(backupId, facts, "postgresql.conf", folder),
    "# Port, addresses and the socket's folder are left to their defaults; so is archiving, which is off.\n",
    "\n# As on the source: with less, recovery stops.\n",
    `max_connections = ${limits.maxConnections}\n`,
    `max_worker_processes = ${limits.maxWorkerProcesses}\n`,
    `max_wal_senders = ${limits.maxWalSenders}\n`,
    `max_prepared_transactions = ${limits.maxPreparedTransactions}\n`,
    `max_locks_per_transaction = ${limits.maxLocksPerTransaction}\n`,
    `wal_level = ${walLevel}\n`,
  ];
  if (libraries === null || libraries.trim() === "") return lines.join("");
  return [
    ...lines,
    "\n# As on the source; take out what is not installed on this machine.\n",
    `shared_preload_libraries = '${libraries.replaceAll("'", "''").replaceAll("\\", "\\\\")}'\n`,
  ].join("");
}

function originals(configuration: BackupConfiguration | null, folder: string): readonly ComposedFile[] {
  if (configuration === null) return [];
  const files: ComposedFile[] = [];
  const taken = new Set([`${folder}/README`]);
  const about: string[] = ["The configuration of the source, as Tidemark could read it when the backup was taken.\n"];
  for (const { purpose, path, insideDataDirectory, content, encoding, whyNot } of configuration.files) {
    const name = path === null ? `the ${purpose} file` : oneLine(path);
    if (content === null || path === null) {
      about.push(`not read: ${name}: ${whyNot ?? "no reason was kept"}\n`);
      continue;
    }
    // Those are in the data directory itself.
    if (insideDataDirectory === true) continue;
    const place = freePlace(folder, safePath(path), taken);
    files.push({ path: place, bytes: cleaned(Buffer.from(content, encoding === "base64" ? "base64" : "utf8")) });
    about.push(`${purpose}: ${name}\n`);
  }
  about.push(...seenSettings(configuration), ...seenRules(configuration));
  return [...files, { path: `${folder}/README`, bytes: cleaned(Buffer.from(about.join(""))) }];
}

/** No password of a connection comes to a disk where it was not. */
function cleaned(bytes: Buffer): Buffer {
  const text = withoutPasswords(bytes.toString("latin1"));
  return text === null ? bytes : Buffer.from(text, "latin1");
}

/** What the server said of the settings whose files could not be read. */
function seenSettings({ fileSettings, settings }: BackupConfiguration): string[] {
  const lines = (fileSettings ?? [])
    .filter(({ applied, name }) => applied && name !== null)
    .map(({ name, value }) => `${name} = ${quoted(value ?? "")}\n`);
  for (const { name, value } of settings ?? []) lines.push(`${name} = ${quoted(value)}\n`);
  return lines.length === 0 ? [] : ["\nSettings in force that came from a file:\n", ...lines];
}

function seenRules({ hbaRules, identMappings }: BackupConfiguration): string[] {
  const rules = (hbaRules ?? []).map((rule) => {
    const { type, databases, users, address, netmask, method, options } = rule;
    const words = [type, databases.join(","), users.join(","), address, netmask, method, ...options];
    return `${words.filter((word) => word !== null && word !== "").join(" ")}\n`;
  });
  const mappings = (identMappings ?? []).map(({ map, systemUser, databaseUser }) => {
    return `${map ?? ""} ${systemUser ?? ""} ${databaseUser ?? ""}\n`;
  });
  return [
    ...(rules.length === 0 ? [] : ["\nRules of pg_hba.conf:\n", ...rules]),
    ...(mappings.length === 0 ? [] : ["\nLines of pg_ident.conf:\n", ...mappings]),
  ];
}

function quoted(value: string): string {
  return `'${oneLine(value).replaceAll("'", "''")}'`;
}

/** Comments end with their line. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\0]+/g, " ");
}

/** Two paths that are the same below our folder, or one that is a folder of another, get places of their own. */
function freePlace(folder: string, path: string, taken: Set<string>): string {
  for (let number = 1; ; number++) {
    const place = number === 1 ? `${folder}/${path}` : `${folder}/${number}/${path}`;
    const clashes = [...taken].some(
      (other) => other === place || other.startsWith(`${place}/`) || place.startsWith(`${other}/`),
    );
    if (clashes) continue;
    taken.add(place);
    return place;
  }
}

/** A path of the source as one below our folder: nothing in it can lead out. */
function safePath(path: string): string {
  const parts = path.split(/[\\/]+/).filter((part) => part !== "" && part !== "." && part !== "..");
  return parts.map((part) => part.replaceAll("\0", "")).join("/") || "unnamed";
}
