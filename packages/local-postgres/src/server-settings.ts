/** PostgreSQL settings by name; `true`/`false` become on/off. */
export type ServerSettings = Readonly<Record<string, string | number | boolean>>;

/** Settings as lines of a postgresql.conf. */
export function formatSettings(settings: ServerSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${checkedName(name)} = ${quote(plainValue(value))}\n`)
    .join("");
}

/** Settings as command line options of `postgres`: they win over every file, postgresql.auto.conf included. */
export function settingArguments(settings: ServerSettings): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${checkedName(name)}=${plainValue(value)}`]);
}

function plainValue(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return String(value);
}

// Inside quotes a quote is doubled, and a backslash starts an escape (GUC_scanstr in guc-file.l).
function quote(value: string): string {
  if (/[\r\n\0]/.test(value)) throw new RangeError("a PostgreSQL setting cannot hold a line end or a zero byte");
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

function checkedName(name: string): string {
  if (!/^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$/.test(name)) throw new RangeError(`not a PostgreSQL setting: ${name}`);
  return name;
}
