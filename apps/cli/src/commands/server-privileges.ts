import { AppError } from "@tidemark/kit";
import { type Command, Option } from "commander";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { formatTable, type Output } from "../output.ts";
import type { Privileges } from "../privileges.ts";
import type { Register } from "../program.ts";
import { remedyText } from "../remedy-text.ts";
import { fetchSnapshot } from "../snapshot.ts";

const purposes = ["backup", "backup-and-wal", "operate"] as const;

interface PrivilegesOptions extends CommonOptions {
  readonly cached?: boolean;
  readonly script?: (typeof purposes)[number];
}

export function addServerPrivilegesCommand(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("privileges <name>")
      .description("what our role may do there, what is missing and what is too much")
      .addOption(
        new Option("--script <purpose>", "only the SQL of the smallest role for it, to pipe into psql").choices([
          ...purposes,
        ]),
      )
      .option("--cached", "as it was at the last inspection, without asking the server"),
    (name, options) => showPrivileges(context, name as string, options as PrivilegesOptions),
  );
}

async function showPrivileges(context: CommandContext, name: string, options: PrivilegesOptions): Promise<number> {
  const session = openSession(context, options);
  const { output } = session;
  const { privileges } = await fetchSnapshot(session, name, options.cached === true);
  if (options.script !== undefined) {
    const { sql, ...script } = findScript(privileges, options.script);
    output.write(output.format === "table" ? `${sql.trimEnd()}\n` : `${JSON.stringify({ ...script, sql })}\n`);
    return exitCodes.done;
  }
  if (output.format === "json") output.write(`${JSON.stringify(privileges, null, 2)}\n`);
  else if (output.format === "ndjson") output.write(`${JSON.stringify(privileges)}\n`);
  else printPrivileges(output, privileges);
  return exitCodes.done;
}

function findScript(privileges: Privileges, purpose: string): Privileges["scripts"][number] {
  const script = privileges.scripts.find((one) => one.purpose === purpose);
  if (script !== undefined) return script;
  throw new AppError("not-found", { message: `the last inspection left no script for ${purpose}` });
}

function printPrivileges(output: Output, privileges: Privileges): void {
  output.write(`role ${privileges.role}${privileges.isSuperuser ? ", a superuser" : ""}\n\n`);
  output.write(
    formatTable(privileges.acts, [
      { title: "may", value: (act) => (act.state === "allowed" ? "yes" : act.state === "missing" ? "no" : "n/a") },
      { title: "act", value: (act) => act.title },
      { title: "why not", value: (act) => act.why ?? "" },
    ]),
  );
  for (const { title, remedySql } of privileges.acts) {
    if (remedySql !== null) output.write(`\n${[title, ...remedyText({ sql: remedySql }, "  ")].join("\n")}`);
  }
  for (const { what, why, remedySql } of privileges.excess) {
    output.write(`\n${[`too much: ${what} (${why})`, ...remedyText({ sql: remedySql }, "  ")].join("\n")}`);
  }
  output.write("\n");
  for (const { purpose, title, satisfied } of privileges.scripts) {
    output.write(`${satisfied ? "enough for" : "not enough for"} ${title} (--script ${purpose})\n`);
  }
}
