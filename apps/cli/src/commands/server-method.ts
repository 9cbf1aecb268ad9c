import { Argument, type Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type BackupMethod, backupMethods, backupMethodText, methodInput } from "../backup-method.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import type { Register } from "../program.ts";
import { printServer, ServerFacts, serverFields } from "../server-facts.ts";

export function addServerMethodCommand(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("method <name>")
      .description("say how its backups are taken, those of schedules too")
      .addArgument(new Argument("<method>", backupMethodText).choices(backupMethods)),
    (name, method, options) => setMethod(context, name as string, method as BackupMethod, options as CommonOptions),
  );
}

async function setMethod(
  context: CommandContext,
  name: string,
  method: BackupMethod,
  options: CommonOptions,
): Promise<number> {
  const session = openSession(context, options);
  const id = await findServerId(session.api, name);
  const { updateServer: payload } = await session.api.query(
    z.object({ updateServer: z.object({ server: ServerFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: UpdateServerInput!) { updateServer(input: $input) { server { ${serverFields} } ${userErrorFields} } }`,
    { input: { id, backupMethod: methodInput(method) } },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.server === null) return exitCodes.failed;
  printServer(session, payload.server);
  return exitCodes.done;
}
