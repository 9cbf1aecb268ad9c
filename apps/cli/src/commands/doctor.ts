import { AppError, describeError } from "@tidemark/kit";
import type { Command } from "commander";
import { z } from "zod";
import type { ApiClient } from "../api-client.ts";
import { type CommandContext, type CommonOptions, openSession } from "../context.ts";
import { exitCodeFor, exitCodes } from "../exit-code.ts";
import { fetchAll, pageFields } from "../lookup.ts";
import { lowerState, printList } from "../output.ts";
import type { Register } from "../program.ts";

interface Check {
  readonly id: string;
  readonly state: "ok" | "warning" | "failed";
  readonly found: string;
  readonly next: string | null;
}

export function addDoctorCommand(root: Command, context: CommandContext, register: Register): void {
  register(root.command("doctor").description("is everything in order, and if not, what to do"), (options) =>
    doctor(context, options as CommonOptions),
  );
}

/** Exit code 1 while a check failed; 3 when the control plane cannot be asked at all. */
async function doctor(context: CommandContext, options: CommonOptions): Promise<number> {
  const { api, output } = openSession(context, options);
  const checks: Check[] = [];
  let reach: unknown = null;
  try {
    checks.push(
      await checkReachable(api),
      ...(await checkReadiness(api)),
      await checkToken(api),
      ...(await checkSystem(api)),
    );
    checks.push(...(await checkServers(api)), ...(await checkFindings(api)));
  } catch (error) {
    reach = error;
    const { message, hint } = describeError(error);
    checks.push({ id: "control-plane", state: "failed", found: message, next: hint });
  }
  printList(
    output,
    checks,
    (check) => check,
    [
      { title: "check", value: (row) => row.id },
      { title: "state", value: (row) => row.state },
      { title: "found", value: (row) => row.found },
      { title: "next", value: (row) => row.next ?? "" },
    ],
    "nothing to check",
  );
  if (reach !== null) return exitCodeFor(reach);
  return checks.some((check) => check.state === "failed") ? exitCodes.failed : exitCodes.done;
}

async function checkReachable(api: ApiClient): Promise<Check> {
  await api.download("/healthz", {});
  return { id: "api", state: "ok", found: `${api.url} answers`, next: null };
}

const Readiness = z.object({
  ready: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      state: z.enum(["ok", "failed", "not-configured"]),
      detail: z.string().nullable(),
    }),
  ),
});

async function checkReadiness(api: ApiClient): Promise<readonly Check[]> {
  // A part that is down makes the answer a 503 with the same body, which is an answer here and no failure to ask.
  const response = await fetch(`${api.url}/readyz`);
  const parsed = Readiness.safeParse(await response.json());
  if (!parsed.success) {
    throw new AppError("internal", {
      message: `${api.url}/readyz says nothing this command knows`,
      cause: parsed.error,
    });
  }
  return parsed.data.checks
    .filter(({ state }) => state !== "not-configured")
    .map(({ name, state, detail }) => ({
      id: name,
      state: state === "ok" ? "ok" : "failed",
      found: detail ?? (state === "ok" ? "answers" : "does not answer"),
      next: state === "ok" ? null : "see the logs below the home",
    }));
}

async function checkToken(api: ApiClient): Promise<Check> {
  const { viewer } = await api.query(
    z.object({ viewer: z.object({ name: z.string(), access: z.string() }).nullable() }),
    "query { viewer { name access } }",
  );
  if (viewer === null) {
    throw new AppError("not-authenticated", {
      message: "the token is not accepted, or none was given",
      hint: "set TIDEMARK_TOKEN, or run this as the user that runs Tidemark",
    });
  }
  return { id: "token", state: "ok", found: `${viewer.name}, ${lowerState(viewer.access)} access`, next: null };
}

async function checkSystem(api: ApiClient): Promise<readonly Check[]> {
  const Worker = z.object({ id: z.string(), hostname: z.string(), alive: z.boolean(), lastSeenAt: z.string() });
  const { system } = await api.query(
    z.object({ system: z.object({ version: z.string(), workers: z.array(Worker) }) }),
    "query { system { version workers { id hostname alive lastSeenAt } } }",
  );
  const alive = system.workers.filter((worker) => worker.alive);
  return [
    { id: "version", state: "ok", found: system.version, next: null },
    {
      id: "workers",
      state: alive.length > 0 ? "ok" : "failed",
      found: `${alive.length} alive`,
      next: alive.length > 0 ? null : "no act can be done until a worker runs",
    },
  ];
}

async function checkServers(api: ApiClient): Promise<readonly Check[]> {
  const Server = z.object({
    name: z.string(),
    protection: z.object({ state: z.string(), reasons: z.array(z.string()) }),
  });
  const servers = await fetchAll(
    api,
    Server,
    `query ($first: Int!, $after: String) { list: servers(first: $first, after: $after) { nodes { name protection { state reasons } } ${pageFields} } }`,
  );
  return servers.map(({ name, protection }) => ({
    id: `server ${name}`,
    state: protection.state === "PROTECTED" ? "ok" : failing.has(protection.state) ? "failed" : "warning",
    found: [lowerState(protection.state), ...protection.reasons].join("; "),
    next: null,
  }));
}

const failing = new Set(["AT_RISK", "UNPROTECTED"]);

async function checkFindings(api: ApiClient): Promise<readonly Check[]> {
  const Finding = z.object({
    checkId: z.string(),
    severity: z.string(),
    title: z.string(),
    found: z.string(),
    actionLabel: z.string().nullable(),
  });
  const findings = await fetchAll(
    api,
    Finding,
    `query ($first: Int!, $after: String) { list: findings(open: true, first: $first, after: $after) {
      nodes { checkId severity title found actionLabel } ${pageFields} } }`,
  );
  return findings.map((finding) => ({
    id: finding.checkId,
    state: finding.severity === "BLOCKS_BACKUP" ? "failed" : "warning",
    found: `${finding.title}: ${finding.found}`,
    next: finding.actionLabel,
  }));
}
