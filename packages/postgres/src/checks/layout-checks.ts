import { isInside } from "../server/tablespaces.ts";
import { type Check, check, found, notAsked, ok, type Verdict } from "./check.ts";
import type { TablespaceEvidence } from "./contents-evidence.ts";
import type { ServerEvidence } from "./server-evidence.ts";

function dataDirectoryHidden({ roleSql }: ServerEvidence): Verdict {
  return notAsked("the role may not see data_directory", { sql: `GRANT pg_read_all_settings TO ${roleSql};` });
}

const fileSettings = ["config_file", "hba_file", "ident_file"] as const;

const configurationOutside = check({
  id: "configuration-outside-data-directory",
  title: "The configuration is inside the data directory",
  problem: "The configuration is outside the data directory",
  severity: "note",
  read: "config_file, hba_file, ident_file, data_directory",
  required: "inside, or readable by our role, so that each backup keeps them",
  why: "a base backup is the data directory: files elsewhere are not in it, and a restored server does not start without them",
  parts: ["settings"],
  judge({ settings, server }) {
    const directory = settings.text("data_directory");
    if (directory === null) return dataDirectoryHidden(server);
    const outside = fileSettings.flatMap((name) => {
      const path = settings.text(name) ?? "";
      return path === "" || isInside(path, directory) === true ? [] : [path];
    });
    if (outside.length === 0) return ok(`in ${directory}`);
    const { readsBinaryFiles, readsTextFiles, readsServerFiles } = server.asking;
    const told = `outside ${directory}: ${outside.join(", ")}`;
    if ((readsBinaryFiles || readsTextFiles) && readsServerFiles) {
      return ok(`${told}; our role reads them, and each backup keeps them`);
    }
    return found(told, {
      sql: [
        `GRANT pg_read_server_files TO ${server.roleSql};`,
        `GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO ${server.roleSql};`,
      ].join("\n"),
      advice: server.inRecovery
        ? "run it on the primary; until then a backup keeps what the views tell of them, without comments"
        : "until then a backup keeps what the views tell of them, without comments",
    });
  },
});

const tablespaceInside = check({
  id: "tablespace-inside-data-directory",
  title: "Tablespaces are outside the data directory",
  problem: "A tablespace is inside the data directory",
  severity: "risk",
  read: "pg_tablespace_location(), data_directory",
  required: "outside",
  why: "a restore to another place finds the tablespace's path inside the old data directory; pg_upgrade and standbys stumble over it too",
  parts: ["tablespaces", "settings"],
  judge({ tablespaces, settings, server }) {
    const directory = settings.text("data_directory");
    if (directory === null && tablespaces.some(({ path }) => path.startsWith("/"))) return dataDirectoryHidden(server);
    const inside = tablespaces.filter(({ path }) => path !== "" && isInside(path, directory) === true);
    if (inside.length === 0)
      return ok(tablespaces.length === 0 ? "there are none" : `${tablespaces.length}, all outside`);
    return found(inside.map(({ name, path }) => `${name} in ${path}`).join(", "), moveBack(inside, server));
  },
});

/** Back to pg_default, which is the same disk. Only what the session's database holds can be moved by its statements. */
function moveBack(
  inside: readonly TablespaceEvidence[],
  server: ServerEvidence,
): Extract<Verdict, { state: "found" }>["remedy"] {
  const { database } = server.asking;
  const elsewhere = inside.flatMap(({ databases }) => databases.filter((name) => name !== database));
  const isDefault = inside.some(({ defaultOf }) => defaultOf.length > 0);
  if (elsewhere.length > 0 || isDefault) {
    const names = [...new Set([...elsewhere, ...inside.flatMap(({ defaultOf }) => defaultOf)])].join(", ");
    return {
      advice: `in each of the databases ${names}: move what is in it to another tablespace (ALTER DATABASE … SET TABLESPACE, ALTER TABLE ALL IN TABLESPACE … SET TABLESPACE, likewise INDEX and MATERIALIZED VIEW), then drop it`,
    };
  }
  const move = ({ name, databases }: TablespaceEvidence): string[] =>
    databases.length === 0
      ? []
      : ["TABLE", "INDEX", "MATERIALIZED VIEW"].map(
          (kind) => `ALTER ${kind} ALL IN TABLESPACE ${name} SET TABLESPACE pg_default;`,
        );
  return {
    sql: inside.flatMap((tablespace) => [...move(tablespace), `DROP TABLESPACE ${tablespace.name};`]).join("\n"),
    ...(server.inRecovery ? { advice: "run it on the primary" } : {}),
  };
}

const dataDirectoryMode = check({
  id: "data-directory-mode",
  title: "Only the server's user reads the data directory",
  problem: "Others may read the data directory",
  severity: "note",
  read: "data_directory_mode",
  required: "0700",
  why: "with 0750 every member of the group reads the database's files; a restore gives its directory the same mode",
  parts: ["settings"],
  judge({ settings }) {
    const mode = settings.text("data_directory_mode") ?? "0700";
    if (mode === "0700") return ok(mode);
    const directory = settings.text("data_directory") ?? "the data directory";
    return found(mode, {
      advice: `leave it when the group is meant to read; else chmod -R g-rwx ${directory}, and restart`,
      needs: "restart",
    });
  },
});

const collationVersions = check({
  id: "collation-versions",
  title: "Sort orders come from the library in use",
  problem: "Sort orders come from another version of the library",
  severity: "risk",
  read: "pg_database_collation_actual_version() (15+), pg_collation_actual_version()",
  required: "the versions the databases and collations were made with",
  why: "with another version of ICU or the C library indexes are sorted by rules that no longer hold: rows are not found, duplicates get in; a restore on a machine with other libraries does the same",
  parts: ["collations"],
  judge({ collations, server }) {
    if (collations.length === 0) return ok("all agree");
    const told = collations.map(
      ({ kind, name, recorded, actual }) => `${kind} ${name}: made with ${recorded}, in use ${actual ?? "unknown"}`,
    );
    const { databaseSql, inRecovery } = server;
    const here = collations.filter(({ kind, name }) => kind === "collation" || sameName(name, databaseSql));
    const others = collations.filter((mismatch) => !here.includes(mismatch));
    const sql = [
      `REINDEX DATABASE ${databaseSql};`,
      ...here.map(({ kind, name }) =>
        kind === "database"
          ? `ALTER DATABASE ${name} REFRESH COLLATION VERSION;`
          : `ALTER COLLATION ${name} REFRESH VERSION;`,
      ),
    ];
    const advice = [
      ...(inRecovery ? ["run it on the primary"] : []),
      ...(others.length === 0
        ? []
        : [
            `connected to ${others.map(({ name }) => name).join(", ")} in turn: REINDEX DATABASE …; ALTER DATABASE … REFRESH COLLATION VERSION;`,
          ]),
      "REINDEX locks each index against writes while it is built",
    ];
    return found(told.join("; "), { ...(here.length === 0 ? {} : { sql: sql.join("\n") }), advice: advice.join(". ") });
  },
});

/** quote_ident leaves plain names bare; ours are always quoted. */
function sameName(quotedWhereNeeded: string, quoted: string): boolean {
  return quotedWhereNeeded === quoted || `"${quotedWhereNeeded}"` === quoted;
}

export const layoutChecks: readonly Check[] = [
  configurationOutside,
  tablespaceInside,
  dataDirectoryMode,
  collationVersions,
];
