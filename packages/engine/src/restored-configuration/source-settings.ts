import type { BackupConfiguration } from "@tidemark/repository";

/**
 * What a setting was in the source's configuration files, or null when that is not known. The server's own reading
 * counts first; else the last line of the files that sets it, in the order in which they were kept.
 */
export function sourceSetting(configuration: BackupConfiguration | null, name: string): string | null {
  if (configuration === null) return null;
  const applied = configuration.fileSettings?.findLast((setting) => setting.name === name && setting.applied);
  if (applied !== undefined) return applied.value;
  const shown = configuration.settings?.find((setting) => setting.name === name);
  if (shown !== undefined) return shown.value;
  let found: string | null = null;
  for (const { purpose, content, encoding } of configuration.files) {
    if (content === null || encoding !== "utf8" || (purpose !== "config" && purpose !== "include")) continue;
    found = lastValue(content, name) ?? found;
  }
  return found;
}

/** The value the last line gives a setting, or null. guc-file.l: `name = value` or `name value`, names without regard to case, quotes doubled or escaped inside quotes. */
export function lastValue(content: string, name: string): string | null {
  const line = new RegExp(`^\\s*${name}(?:\\s*=\\s*|\\s+)(?:'((?:[^'\\\\]|''|\\\\.)*)'|([^\\s#']+))`, "gim");
  const match = [...content.matchAll(line)].at(-1);
  if (match === undefined) return null;
  return match[1]?.replace(/''|\\'/g, "'") ?? match[2] ?? null;
}
