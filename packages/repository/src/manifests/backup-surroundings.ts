/**
 * - `stream`: BASE_BACKUP over the replication protocol.
 * - `read-files`: the low-level API, files read over SQL.
 * - `local-files`: the low-level API, files read from a file system shared with the server.
 */
export type BackupMethod = "stream" | "read-files" | "local-files";

/**
 * The configuration a server ran with, as far as it could be read. It may hold secrets; it is sealed like everything
 * else of a manifest. A null list: not asked, because every file was read, or not allowed.
 */
export interface BackupConfiguration {
  readonly dataDirectory: string | null;
  readonly files: readonly ConfigurationFileCopy[];
  /** Lines of postgresql.conf and what it includes, as the server read them. */
  readonly fileSettings: readonly FileSettingCopy[] | null;
  /** Settings in force that came from a file, where not even their lines could be read. */
  readonly settings: readonly { readonly name: string; readonly value: string }[] | null;
  readonly hbaRules: readonly HbaRuleCopy[] | null;
  readonly identMappings: readonly IdentMappingCopy[] | null;
}

export interface ConfigurationFileCopy {
  readonly purpose: "config" | "hba" | "ident" | "include";
  /** On the server; null when it could not be known. */
  readonly path: string | null;
  readonly insideDataDirectory: boolean | null;
  /** Null when it could not be read, and `whyNot` says why. */
  readonly content: string | null;
  /** `base64` where the file is no UTF-8. */
  readonly encoding: "utf8" | "base64" | null;
  readonly whyNot: string | null;
}

export interface FileSettingCopy {
  readonly file: string | null;
  readonly line: number | null;
  readonly name: string | null;
  readonly value: string | null;
  readonly applied: boolean;
  readonly error: string | null;
}

export interface HbaRuleCopy {
  readonly file: string | null;
  readonly line: number;
  readonly type: string | null;
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly address: string | null;
  readonly netmask: string | null;
  readonly method: string | null;
  readonly options: readonly string[];
  readonly error: string | null;
}

export interface IdentMappingCopy {
  readonly file: string | null;
  readonly line: number;
  readonly map: string | null;
  readonly systemUser: string | null;
  readonly databaseUser: string | null;
  readonly error: string | null;
}

/** What a restored server needs on its machine: sort orders that must be the same, libraries that must be there. */
export interface BackupEnvironment {
  readonly version: string;
  readonly serverEncoding: string;
  readonly collations: readonly CollationCopy[];
  readonly icuVersion: string | null;
  readonly icuUnicodeVersion: string | null;
  readonly libcVersion: string | null;
  /** Of shared_, session_ and local_preload_libraries and archive_library. */
  readonly libraries: readonly string[];
  /** Some of those settings could not be read. */
  readonly librariesHidden: boolean;
  readonly extensionsWithLibraries: readonly {
    readonly database: string;
    readonly name: string;
    readonly version: string;
    readonly libraries: readonly string[];
  }[];
  readonly functionLibraries: readonly string[];
}

export interface CollationCopy {
  readonly database: string;
  /** Null: the database's own. */
  readonly name: string | null;
  readonly provider: "libc" | "icu" | "builtin";
  readonly locale: string | null;
  readonly characterType: string | null;
  readonly version: string | null;
  readonly actualVersion: string | null;
}
