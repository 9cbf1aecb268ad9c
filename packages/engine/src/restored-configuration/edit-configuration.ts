import { formatSettings, type ServerSettings } from "@tidemark/local-postgres";

/**
 * A `postgresql.auto.conf` with settings of ours at its end, where they win over every file. Lines that set one of them
 * already go, so that nothing of the source's (a password in `primary_conninfo`) stays behind them. Text is latin1: bytes.
 */
export function withSettings(text: string, about: readonly string[], settings: ServerSettings): string {
  const ours = new Set(Object.keys(settings));
  const kept = text.split("\n").filter((line) => !ours.has(settingOf(line) ?? ""));
  while (kept.at(-1)?.trim() === "") kept.pop();
  const head = kept.length === 0 ? "" : `${kept.join("\n")}\n\n`;
  const lines = about.map((line) => `# ${line.replace(/[\r\n]+/g, " ")}\n`).join("");
  return `${head}${lines}${formatSettings(settings)}`;
}

/** A configuration file without the clear-text passwords of connections, in comments as well; null when it has none. */
export function withoutPasswords(text: string): string | null {
  let isChanged = false;
  const lines = text.split("\n").map((line) => {
    if (!/\b(?:\w*conninfo|\w+_command)\b/i.test(line)) return line;
    const cleaned = line.replace(passwords, "").replace(uriPasswords, "$1@");
    isChanged ||= cleaned !== line;
    return cleaned;
  });
  return isChanged ? lines.join("\n") : null;
}

/** Of a connection string inside a quoted setting, or of a command's environment (PGPASSWORD): the value may be quoted again, by two quotes or an escaped one. */
const passwords = /\s*\b\w*password\s*=\s*(?:''(?:[^'\\]|\\.)*''|\\'(?:[^'\\]|\\[^'])*\\'|[^\s'"]+)/gi;

const uriPasswords = /(:\/\/[^\s'":@/]*):[^\s'"@/]*@/g;

/** The name a line of a configuration file sets (guc-file.l); null for comments and blank lines. */
function settingOf(line: string): string | null {
  return /^\s*([A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)?)(?:\s*=|\s)/.exec(line)?.[1]?.toLowerCase() ?? null;
}
