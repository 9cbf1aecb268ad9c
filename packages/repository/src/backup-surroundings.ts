import { asText, JsonFields } from "./json-fields.ts";

/**
 * - `stream`: BASE_BACKUP over the replication protocol.
 * - `read-files`: the low-level API, files read over SQL.
 * - `local-files`: the low-level API, files read from a file system shared with the server.
 */
export type BackupMethod = "stream" | "read-files" | "local-files";

/** The configuration a server ran with. It may hold secrets; it is sealed like everything else of a manifest. */
export interface BackupConfiguration {
  readonly files: readonly ConfigurationFileCopy[];
  /** What the server itself made of files that could not be read: lines of postgresql.conf in force. */
  readonly settings: readonly { readonly file: string; readonly line: number; readonly text: string }[];
  /** Likewise of pg_hba.conf. */
  readonly hbaRules: readonly { readonly file: string; readonly line: number; readonly text: string }[];
}

export interface ConfigurationFileCopy {
  /** `config`, `hba`, `ident` or `include`. */
  readonly purpose: string;
  /** Absolute, on the server. */
  readonly path: string;
  /** Null when it could not be read, and `whyNot` says why. */
  readonly content: string | null;
  readonly whyNot: string | null;
}

/** What a restored server needs on its machine: sort orders that must be the same, libraries that must be there. */
export interface BackupEnvironment {
  readonly collations: readonly {
    readonly provider: string;
    readonly name: string;
    readonly version: string | null;
  }[];
  readonly icuVersion: string | null;
  readonly libcVersion: string | null;
  /** Of shared_, session_ and local_preload_libraries. */
  readonly libraries: readonly string[];
  readonly extensionsWithLibraries: readonly {
    readonly database: string | null;
    readonly name: string;
    readonly version: string;
  }[];
}

export function configurationFromJson(fields: JsonFields, name: string): BackupConfiguration | null {
  if (fields.isNull(name)) return null;
  const configuration = fields.object(name);
  return {
    files: configuration.list("files", (item) => {
      const file = new JsonFields(item);
      return {
        purpose: file.text("purpose"),
        path: file.text("path"),
        content: file.textOrNull("content"),
        whyNot: file.textOrNull("whyNot"),
      };
    }),
    settings: configuration.list("settings", lineFromJson),
    hbaRules: configuration.list("hbaRules", lineFromJson),
  };
}

export function environmentFromJson(fields: JsonFields, name: string): BackupEnvironment | null {
  if (fields.isNull(name)) return null;
  const environment = fields.object(name);
  return {
    collations: environment.list("collations", (item) => {
      const collation = new JsonFields(item);
      return {
        provider: collation.text("provider"),
        name: collation.text("name"),
        version: collation.textOrNull("version"),
      };
    }),
    icuVersion: environment.textOrNull("icuVersion"),
    libcVersion: environment.textOrNull("libcVersion"),
    libraries: environment.list("libraries", asText),
    extensionsWithLibraries: environment.list("extensionsWithLibraries", (item) => {
      const extension = new JsonFields(item);
      return {
        database: extension.textOrNull("database"),
        name: extension.text("name"),
        version: extension.text("version"),
      };
    }),
  };
}

function lineFromJson(item: unknown): { readonly file: string; readonly line: number; readonly text: string } {
  const line = new JsonFields(item);
  return { file: line.text("file"), line: line.number("line"), text: line.text("text") };
}
