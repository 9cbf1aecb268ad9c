import type { Asker } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";
import { unlessFileFails } from "./configuration-rules.ts";
import { isInside } from "./tablespaces.ts";

/** A file the server's configuration comes from. */
export interface ConfigurationFile {
  /** `include`: read because another of them, or an include directory, names it; and postgresql.auto.conf. */
  readonly purpose: "config" | "hba" | "ident" | "include";
  /** Absolute, on the server. */
  readonly path: string;
  readonly insideDataDirectory: boolean | null;
}

/**
 * The configuration files by path. Null when this role may not know them.
 *
 * Needs: pg_read_all_settings for the three files and every included one that has a setting in force;
 * pg_file_settings, pg_hba_file_rules (16+) and pg_ident_file_mappings (16+), which superusers read and others when
 * granted, for the other included ones.
 */
export async function readConfigurationFiles(asker: Asker, known?: AskingRole): Promise<ConfigurationFile[] | null> {
  const role = known ?? (await readAskingRole(asker));
  if (!role.readsAllSettings) return null;
  const rows =
    (await unlessFileFails(() => asker.query<FileRow>(filesQuestion(role)))) ??
    (await asker.query<FileRow>(filesQuestion({ ...role, readsHbaRules: false, readsIdentMappings: false })));
  return rows.map(({ purpose, path, data_directory }) => ({
    purpose,
    path,
    insideDataDirectory: isInside(path, data_directory),
  }));
}

interface FileRow {
  readonly purpose: ConfigurationFile["purpose"];
  readonly path: string;
  readonly data_directory: string | null;
}

/** hba and ident files may include others from 16 on, which brought the views' file_name. */
function filesQuestion(role: AskingRole): string {
  const sources = ["SELECT sourcefile AS path FROM pg_catalog.pg_settings WHERE sourcefile IS NOT NULL"];
  if (role.readsFileSettings) sources.push("SELECT sourcefile FROM pg_catalog.pg_file_settings");
  if (role.readsHbaRules && role.major >= 16) sources.push("SELECT file_name FROM pg_catalog.pg_hba_file_rules");
  if (role.readsIdentMappings && role.major >= 16) {
    sources.push("SELECT file_name FROM pg_catalog.pg_ident_file_mappings");
  }
  return `
  WITH main AS (
    SELECT CASE name WHEN 'config_file' THEN 'config' WHEN 'hba_file' THEN 'hba' ELSE 'ident' END AS purpose,
           setting AS path
      FROM pg_catalog.pg_settings
     WHERE name IN ('config_file', 'hba_file', 'ident_file') AND setting <> '')
  SELECT f.purpose, f.path,
         (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory') AS data_directory
    FROM (SELECT purpose, path, 0 AS place FROM main
           UNION ALL
          SELECT 'include', i.path, 1
            FROM (${sources.join("\n                  UNION\n                  ")}) i
           WHERE i.path IS NOT NULL AND i.path NOT IN (SELECT path FROM main)) f
   ORDER BY f.place, f.purpose, f.path`;
}
