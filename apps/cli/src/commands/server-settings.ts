import type { Command } from "commander";
import { z } from "zod";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import { printList } from "../output.ts";
import type { Register } from "../program.ts";
import { serverAct } from "../server-run.ts";
import { matchesAny } from "../setting-pattern.ts";

export function addServerSettingsCommand(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("settings <name> [pattern...]")
      .description("its settings, all or those named (wal_level, 'wal_*'), with where each comes from"),
    (name, patterns, options) =>
      listSettings(context, name as string, patterns as readonly string[], options as CommonOptions),
  );
}

const Settings = z.object({
  settings: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      unit: z.string().nullable(),
      source: z.string(),
      sourceFile: z.string().nullable(),
      sourceLine: z.number().nullable(),
      pendingRestart: z.boolean(),
      context: z.string(),
    }),
  ),
  missing: z.array(z.string()),
});
type Setting = z.infer<typeof Settings>["settings"][number];

/** Exit code 4 when one that was asked for by its name is not there. */
async function listSettings(
  context: CommandContext,
  name: string,
  patterns: readonly string[],
  options: CommonOptions,
): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, name);
  const byName = patterns.length > 0 && !patterns.some((pattern) => /[*?]/.test(pattern));
  const names = byName ? patterns : null;
  const answer = await serverAct(session, "readServerSettings", { serverId, names }, Settings);
  const wanted =
    byName || patterns.length === 0 ? () => true : (setting: Setting) => matchesAny(patterns, setting.name);
  printList(
    session.output,
    answer.settings.filter(wanted),
    (setting) => setting,
    [
      { title: "setting", value: (setting) => setting.name },
      {
        title: "value",
        value: (setting) => `${setting.value}${setting.pendingRestart ? " (another after a restart)" : ""}`,
      },
      { title: "from", value: sourceText },
      { title: "change takes", value: (setting) => changeText(setting.context) },
    ],
    answer.missing.length === 0 ? "no setting has such a name" : "nothing found",
  );
  if (answer.missing.length === 0) return exitCodes.done;
  session.output.note(`not there, or not for this role to see: ${answer.missing.join(", ")}\n`);
  return exitCodes.notFound;
}

function sourceText({ source, sourceFile, sourceLine }: Setting): string {
  return sourceFile === null ? source : `${sourceFile}${sourceLine === null ? "" : `:${sourceLine}`}`;
}

/** pg_settings.context in words (view-pg-settings). */
function changeText(context: string): string {
  if (context === "internal") return "a new cluster or build";
  if (context === "postmaster") return "a restart";
  if (context === "sighup") return "a reload";
  if (context === "backend" || context === "superuser-backend") return "a new session";
  return "SET";
}
