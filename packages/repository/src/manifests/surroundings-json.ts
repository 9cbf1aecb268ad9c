import { asText, JsonFields } from "../bytes/json-fields.ts";
import type {
  BackupConfiguration,
  BackupEnvironment,
  BackupMethod,
  CollationCopy,
  ConfigurationFileCopy,
  FileSettingCopy,
  HbaRuleCopy,
  IdentMappingCopy,
} from "./backup-surroundings.ts";

/** A way this version does not know is no reason to refuse a backup: the bytes are stored alike. */
export function methodFromJson(fields: JsonFields): BackupMethod | null {
  const text = fields.textOrNull("method");
  return text === "stream" || text === "read-files" || text === "local-files" ? text : null;
}

export function configurationFromJson(fields: JsonFields): BackupConfiguration | null {
  if (fields.isNull("configuration")) return null;
  const configuration = fields.object("configuration");
  const listOrNull = <T>(name: string, read: (fields: JsonFields) => T): T[] | null =>
    configuration.isNull(name) ? null : configuration.list(name, (item) => read(new JsonFields(item)));
  return {
    dataDirectory: configuration.textOrNull("dataDirectory"),
    files: configuration.list("files", (item) => fileFromJson(new JsonFields(item))),
    fileSettings: listOrNull("fileSettings", fileSettingFromJson),
    settings: listOrNull("settings", (setting) => ({ name: setting.text("name"), value: setting.text("value") })),
    hbaRules: listOrNull("hbaRules", hbaRuleFromJson),
    identMappings: listOrNull("identMappings", identMappingFromJson),
  };
}

export function environmentFromJson(fields: JsonFields): BackupEnvironment | null {
  if (fields.isNull("environment")) return null;
  const environment = fields.object("environment");
  return {
    version: environment.text("version"),
    serverEncoding: environment.text("serverEncoding"),
    collations: environment.list("collations", (item) => collationFromJson(new JsonFields(item))),
    icuVersion: environment.textOrNull("icuVersion"),
    icuUnicodeVersion: environment.textOrNull("icuUnicodeVersion"),
    libcVersion: environment.textOrNull("libcVersion"),
    libraries: environment.list("libraries", asText),
    librariesHidden: environment.boolean("librariesHidden"),
    extensionsWithLibraries: environment.list("extensionsWithLibraries", (item) => {
      const extension = new JsonFields(item);
      return {
        database: extension.text("database"),
        name: extension.text("name"),
        version: extension.text("version"),
        libraries: extension.list("libraries", asText),
      };
    }),
    functionLibraries: environment.list("functionLibraries", asText),
  };
}

function fileFromJson(file: JsonFields): ConfigurationFileCopy {
  return {
    purpose: oneOf(file.text("purpose"), ["config", "hba", "ident", "include"]),
    path: file.textOrNull("path"),
    insideDataDirectory: file.isNull("insideDataDirectory") ? null : file.boolean("insideDataDirectory"),
    content: file.textOrNull("content"),
    encoding: file.isNull("encoding") ? null : oneOf(file.text("encoding"), ["utf8", "base64"]),
    whyNot: file.textOrNull("whyNot"),
  };
}

function fileSettingFromJson(setting: JsonFields): FileSettingCopy {
  return {
    file: setting.textOrNull("file"),
    line: setting.isNull("line") ? null : setting.number("line"),
    name: setting.textOrNull("name"),
    value: setting.textOrNull("value"),
    applied: setting.boolean("applied"),
    error: setting.textOrNull("error"),
  };
}

function hbaRuleFromJson(rule: JsonFields): HbaRuleCopy {
  return {
    file: rule.textOrNull("file"),
    line: rule.number("line"),
    type: rule.textOrNull("type"),
    databases: rule.list("databases", asText),
    users: rule.list("users", asText),
    address: rule.textOrNull("address"),
    netmask: rule.textOrNull("netmask"),
    method: rule.textOrNull("method"),
    options: rule.list("options", asText),
    error: rule.textOrNull("error"),
  };
}

function identMappingFromJson(mapping: JsonFields): IdentMappingCopy {
  return {
    file: mapping.textOrNull("file"),
    line: mapping.number("line"),
    map: mapping.textOrNull("map"),
    systemUser: mapping.textOrNull("systemUser"),
    databaseUser: mapping.textOrNull("databaseUser"),
    error: mapping.textOrNull("error"),
  };
}

function collationFromJson(collation: JsonFields): CollationCopy {
  return {
    database: collation.text("database"),
    name: collation.textOrNull("name"),
    provider: oneOf(collation.text("provider"), ["libc", "icu", "builtin"]),
    locale: collation.textOrNull("locale"),
    characterType: collation.textOrNull("characterType"),
    version: collation.textOrNull("version"),
    actualVersion: collation.textOrNull("actualVersion"),
  };
}

function oneOf<const T extends string>(text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new TypeError(`"${text}" is none of ${known.join(", ")}`);
  return found;
}
