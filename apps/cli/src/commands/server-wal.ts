import { Argument, type Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import type { Register } from "../program.ts";
import { printServer, ServerFacts, serverFields } from "../server-facts.ts";
import { type WalMode, walModes, walModeText } from "../wal-mode.ts";

interface WalOptions extends CommonOptions {
  readonly slot?: string;
  readonly synchronous?: boolean;
  readonly allowSystem?: string;
}

export function addServerWalCommand(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("wal <name>")
      .description("say how its WAL comes to us")
      .addArgument(new Argument("<mode>", walModeText).choices(walModes))
      .option("--slot <name>", "the physical slot to stream from: tidemark or tidemark_…")
      .option("--synchronous", "commits may wait for us; name tidemark_sync in synchronous_standby_names")
      .option("--no-synchronous", "commits do not wait for us")
      .option("--allow-system <identifier>", "receive also from this cluster: after pg_upgrade or a new initdb"),
    (name, mode, options) => setMode(context, name as string, mode as WalMode, options as WalOptions),
  );
}

async function setMode(context: CommandContext, name: string, mode: WalMode, options: WalOptions): Promise<number> {
  const session = openSession(context, options);
  const id = await findServerId(session.api, name);
  const { updateServer: payload } = await session.api.query(
    z.object({ updateServer: z.object({ server: ServerFacts.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: UpdateServerInput!) { updateServer(input: $input) { server { ${serverFields} } ${userErrorFields} } }`,
    {
      input: {
        id,
        walMode: mode.toUpperCase(),
        walSlot: options.slot ?? null,
        synchronous: options.synchronous ?? null,
        walSystemIdentifier: options.allowSystem ?? null,
      },
    },
  );
  refuseUserErrors(payload.userErrors);
  if (payload.server === null) return exitCodes.failed;
  printServer(session, payload.server);
  return exitCodes.done;
}
