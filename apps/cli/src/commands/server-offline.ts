import type { Command } from "commander";
import { z } from "zod";
import { refuseUserErrors, UserError, userErrorFields } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession, type Session } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { findServerId } from "../lookup.ts";
import { formatInstant, lowerState, printOne } from "../output.ts";
import type { Register } from "../program.ts";

export function addServerOfflineCommands(server: Command, context: CommandContext, register: Register): void {
  register(
    server
      .command("offline <name>")
      .description("take it out of service: schedules and polls stop, acts are refused")
      .requiredOption("--reason <text>", "why, for whoever wonders later"),
    (name, options) => {
      const { reason, ...common } = options as CommonOptions & { readonly reason: string };
      return setOffline(openSession(context, common), name as string, reason);
    },
  );
  register(
    server.command("online <name>").description("put it back into service; says what was missed"),
    (name, options) => setOnline(openSession(context, options as CommonOptions), name as string),
  );
}

const Period = z.object({
  id: z.string(),
  since: z.string(),
  by: z.string(),
  reason: z.string(),
  endedAt: z.string().nullable(),
  endedBy: z.string().nullable(),
  missed: z.array(z.object({ kind: z.string(), dueAt: z.string() })),
  missedCount: z.number(),
});
type Period = z.infer<typeof Period>;

async function setOffline(session: Session, name: string, reason: string): Promise<number> {
  const serverId = await findServerId(session.api, name);
  const period = await change(session, "setServerOffline", { serverId, reason });
  if (period === null) return exitCodes.failed;
  printPeriod(session, name, "offline", period);
  if (period.reason !== reason.trim()) session.output.note("it was offline already and keeps the reason it had\n");
  return exitCodes.done;
}

async function setOnline(session: Session, name: string): Promise<number> {
  const serverId = await findServerId(session.api, name);
  const { server } = await session.api.query(
    z.object({ server: z.object({ offline: z.object({ id: z.string() }).nullable() }).nullable() }),
    "query ($id: ID!) { server(id: $id) { offline { id } } }",
    { id: serverId },
  );
  const period = await change(session, "setServerOnline", { serverId });
  if (server?.offline == null || period?.id !== server.offline.id) {
    printOne(session.output, { name, state: "online" }, [["state", "online; it was online already"]]);
    return exitCodes.done;
  }
  printPeriod(session, name, "online", period);
  return exitCodes.done;
}

/** The server's newest period after the change. */
async function change(session: Session, mutation: string, input: object): Promise<Period | null> {
  const inputType = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const Server = z.object({ offlinePeriods: z.array(Period) });
  const { payload } = await session.api.query(
    z.object({ payload: z.object({ server: Server.nullable(), userErrors: z.array(UserError) }) }),
    `mutation ($input: ${inputType}!) { payload: ${mutation}(input: $input) {
      server { offlinePeriods(first: 1) { id since by reason endedAt endedBy missed { kind dueAt } missedCount } }
      ${userErrorFields} } }`,
    { input },
  );
  refuseUserErrors(payload.userErrors);
  return payload.server?.offlinePeriods[0] ?? null;
}

function printPeriod({ output }: Session, name: string, state: "offline" | "online", period: Period): void {
  const missed = period.missed.map((one) => ({ ...one, kind: lowerState(one.kind) }));
  const left = period.missedCount - missed.length;
  printOne(output, { name, state, ...period, missed }, [
    ["state", state],
    ["since", `${formatInstant(period.since)} by ${period.by}`],
    ["because", period.reason],
    ["ended", period.endedAt === null ? null : `${formatInstant(period.endedAt)} by ${period.endedBy}`],
    ["missed", state === "online" && period.missedCount === 0 ? "nothing" : null],
    ...missed.map(({ kind, dueAt }) => ["missed", `${kind} due ${formatInstant(dueAt)}`] as const),
    ["missed", left > 0 ? `and ${left} before them` : null],
  ]);
}
