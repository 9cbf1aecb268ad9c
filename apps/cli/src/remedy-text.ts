interface RemedyParts {
  readonly sql?: string | null | undefined;
  readonly hba?: string | null | undefined;
  readonly settings?: string | null | undefined;
  readonly advice?: string | null | undefined;
  readonly needs?: string | null | undefined;
}

/** A remedy as lines: what can be pasted stands in blocks of its own, below the line that says where it goes. */
export function remedyText(remedy: RemedyParts, indent: string): readonly string[] {
  const lines: string[] = [];
  const block = (where: string, text: string | null | undefined) => {
    if (text == null) return;
    lines.push(
      `${indent}${where}`,
      "",
      ...text
        .trimEnd()
        .split("\n")
        .map((line) => `${indent}    ${line}`.trimEnd()),
      "",
    );
  };
  block("run as a superuser:", remedy.sql);
  block("in postgresql.conf:", remedy.settings);
  block("at the top of pg_hba.conf:", remedy.hba);
  if (remedy.advice != null) lines.push(`${indent}${remedy.advice}`);
  if (remedy.needs != null) lines.push(`${indent}${needsText(remedy.needs.toLowerCase())}`);
  return lines;
}

function needsText(needs: string): string {
  return needs === "reload" ? "then reload the server: SELECT pg_reload_conf();" : "then restart the server";
}
