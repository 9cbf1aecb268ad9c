import { formatAge } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { fetchAll, findServerId, pageFields } from "../lookup.ts";
import { formatInstant, lowerState, printList } from "../output.ts";
import type { Register } from "../program.ts";

const Standing = z.object({
  id: z.string(),
  name: z.string(),
  protection: z.object({ state: z.string(), reasons: z.array(z.string()) }),
  lastProven: z.object({ provenAt: z.string().nullable() }).nullable(),
  wal: z.object({ mode: z.string(), rpoSeconds: z.number().nullable(), rpoSentence: z.string() }),
});
type Standing = z.infer<typeof Standing>;
const standingFields =
  "id name protection { state reasons } lastProven { provenAt } wal { mode rpoSeconds rpoSentence }";

/** States of a server, the worst last: the place of the worst one seen is what scripts match on (docs/commands.md). */
const stateExits: Readonly<Record<string, number>> = {
  protected: 0,
  unproven: 10,
  degraded: 11,
  "at-risk": 12,
  unprotected: 13,
  unknown: 14,
};

/** `tidemark status`: how safe every server is, for people and for scripts. */
export function addStatusCommand(root: Command, context: CommandContext, register: Register): void {
  register(
    root
      .command("status [server]")
      .description("how safe every server, or one, is; exits 0 when all are protected, 10 to 14 by the worst state"),
    (server, options) => showStatus(context, server as string | undefined, options as CommonOptions),
  );
}

async function showStatus(context: CommandContext, name: string | undefined, options: CommonOptions): Promise<number> {
  const { api, output, clock } = openSession(context, options);
  const servers = name === undefined ? await everyServer(api) : [await oneServer(api, name)];
  printList(
    output,
    servers,
    ({ id, name: serverName, protection, lastProven, wal }) => ({
      id,
      name: serverName,
      state: lowerState(protection.state),
      reasons: protection.reasons,
      lastProvenAt: lastProven?.provenAt ?? null,
      walMode: lowerState(wal.mode),
      rpoSeconds: wal.rpoSeconds,
      rpo: wal.rpoSentence,
    }),
    [
      { title: "server", value: (row) => row.name },
      { title: "state", value: (row) => lowerState(row.protection.state) },
      { title: "would be lost now", value: rpoText },
      {
        title: "last proven",
        value: ({ lastProven }) =>
          lastProven?.provenAt == null
            ? "never"
            : `${formatAge(clock.now().getTime() - Date.parse(lastProven.provenAt))} ago`,
      },
      { title: "why", value: (row) => row.protection.reasons[0] ?? formatInstant(null) },
    ],
    "no servers yet: add one with `tidemark server add NAME --dsn DSN`",
  );
  const exits = servers.map(({ protection }) => stateExits[lowerState(protection.state)] ?? exitCodes.failed);
  return Math.max(exitCodes.done, ...exits);
}

function rpoText({ wal }: Standing): string {
  if (wal.mode === "NONE") return "since the last backup";
  if (wal.rpoSeconds === null) return "unknown";
  return wal.rpoSeconds === 0 ? "nothing" : `at most ${formatAge(wal.rpoSeconds * 1000)}`;
}

type Api = ReturnType<typeof openSession>["api"];

function everyServer(api: Api): Promise<readonly Standing[]> {
  return fetchAll(
    api,
    Standing,
    `query ($first: Int!, $after: String) { list: servers(first: $first, after: $after) { nodes { ${standingFields} } ${pageFields} } }`,
  );
}

async function oneServer(api: Api, name: string): Promise<Standing> {
  const id = await findServerId(api, name);
  const { server } = await api.query(
    z.object({ server: Standing }),
    `query ($id: ID!) { server(id: $id) { ${standingFields} } }`,
    { id },
  );
  return server;
}
