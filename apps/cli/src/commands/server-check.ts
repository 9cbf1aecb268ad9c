import { AppError } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { findServerId } from "../lookup.ts";
import type { Register } from "../program.ts";
import { checksExitCode, printChecks, ServerCheck } from "../server-check.ts";
import { parseResult, requireActDone, runToEnd } from "../server-run.ts";

interface CheckOptions extends CommonOptions {
  readonly cached?: boolean;
}

export function addServerCheckCommand(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("check <name> [check...]")
      .description("what keeps backups from it and what to do; exit code 1 while something blocks backups")
      .option("--cached", "what the last inspection found, without asking the server"),
    (name, checks, options) =>
      checkServer(context, name as string, checks as readonly string[], options as CheckOptions),
  );
}

async function checkServer(
  context: CommandContext,
  name: string,
  checkIds: readonly string[],
  options: CheckOptions,
): Promise<number> {
  const session = openSession(context, options);
  const serverId = await findServerId(session.api, name);
  const checks =
    options.cached === true
      ? await cachedChecks(session, name, serverId, checkIds)
      : await inspectNow(session, serverId, checkIds);
  printChecks(session.output, checks);
  return checksExitCode(checks);
}

const Inspection = z.object({ checks: z.array(ServerCheck) });

async function inspectNow(
  session: Session,
  serverId: string,
  checkIds: readonly string[],
): Promise<readonly ServerCheck[]> {
  const asked = checkIds.length === 0 ? null : checkIds;
  const run = await runToEnd(session, "inspectServer", { serverId, checkIds: asked });
  // A server that cannot be asked fails the run and still leaves a result: the connection's check, with what to do.
  if (run.state === "FAILED" && run.result !== null) return parseResult(Inspection, run.result).checks;
  requireActDone(run);
  return parseResult(Inspection, run.result).checks;
}

/** As the last inspection left them, with the finding of a connection that broke since. */
async function cachedChecks(
  session: Session,
  name: string,
  serverId: string,
  checkIds: readonly string[],
): Promise<readonly ServerCheck[]> {
  const rest = (path: string) => session.api.download(`/api/v1/servers/${serverId}/${path}`, {});
  const { items } = parseResult(Items(ServerCheck), JSON.parse(await rest("checks")));
  const findings = parseResult(Items(Finding), JSON.parse(await rest("findings?limit=100"))).items;
  const connection = findings
    .filter((finding) => finding.checkId === "connection" && !items.some((check) => check.id === "connection"))
    .map(toCheck);
  const all = [...connection, ...items];
  if (all.length === 0) {
    throw new AppError("not-found", {
      message: `${name} was never inspected`,
      hint: `\`tidemark server check ${name}\` does it`,
    });
  }
  const unknown = checkIds.filter((id) => !all.some((check) => check.id === id));
  if (unknown.length > 0) {
    throw new AppError("not-found", {
      message: `the last inspection of ${name} had no check ${unknown.join(", ")}`,
      hint: `it had ${all.map((check) => check.id).join(", ")}`,
    });
  }
  return checkIds.length === 0 ? all : all.filter((check) => checkIds.includes(check.id));
}

function Items<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item) });
}

const Finding = ServerCheck.omit({ id: true, state: true }).extend({
  checkId: z.string(),
  read: z.string().nullable(),
  required: z.string().nullable(),
});

function toCheck({ checkId, read, required, ...finding }: z.infer<typeof Finding>): ServerCheck {
  return { ...finding, id: checkId, state: "found", read: read ?? "", required: required ?? "" };
}
