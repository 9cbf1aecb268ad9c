import type { ServerCheckResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { HeldLease, Server } from "@tidemark/metadata";
import { serverConnection } from "../open-server.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { lookOrExplain } from "./look-at-server.ts";
import { recordOutcome } from "./record-look.ts";

export interface InspectionPoller {
  /** Ends what is under way and waits for it. */
  stop(): Promise<void>;
}

/** What is remembered of a server between two polls. */
interface Watched {
  /** By the worker's monotonic clock. */
  nextMs: number;
  /** Once before that, since its WAL is to come another way than the last look knew. */
  soonMs: number | null;
  walMode: Server["walMode"];
  wasOffline: boolean;
}

/**
 * Looks at every registered server that is online, every `inspectEveryMs`, without a run: one worker does it, which
 * holds a lease as long as it lives. A server that does not answer, or whose WAL something keeps from us, is asked again
 * sooner (when everything was started anew, receivers begin only after the first look), and keeps nobody waiting: a few are
 * asked at once, each for a limited time. One that is set online again is asked at once, and one whose WAL is to come another
 * way (so also one that was just added: it was looked at before) as soon as its receiver can have begun.
 */
export function startInspectionPoller(
  deps: WorkerDeps,
  { limitMs = longestLookMs, troubleEveryMs = usualTroubleEveryMs, settleMs = usualSettleMs } = {},
): InspectionPoller {
  const { inspectEveryMs } = deps.settings;
  if (inspectEveryMs === 0) return { stop: async () => undefined };
  const stopping = new AbortController();
  const watched = new Map<string, Watched>();
  const running = new Map<string, Promise<void>>();
  const turn = keepTurn(deps);
  let timer: NodeJS.Timeout | null = null;
  let current: Promise<void> = Promise.resolve();

  const begin = (server: Server, state: Watched) => {
    if (state.soonMs !== null && state.soonMs <= deps.clock.monotonicMs()) state.soonMs = null;
    const act = pollServer(deps, server, { stopping: stopping.signal, limitMs }).then((isWell) => {
      const pauseMs = isWell ? inspectEveryMs : Math.min(inspectEveryMs, troubleEveryMs);
      state.nextMs = deps.clock.monotonicMs() + pauseMs;
      running.delete(server.id);
    });
    running.set(server.id, act);
  };
  const pass = async () => {
    if (!(await turn.isOurs())) return;
    const due = await dueServers(deps, watched, settleMs);
    for (const { server, state } of due) {
      if (running.size >= atOnce || stopping.signal.aborted) break;
      if (!running.has(server.id)) begin(server, state);
    }
  };
  const next = () => {
    current = pass().catch((error: unknown) => deps.logger.warn({ err: error }, "servers could not be polled"));
    void current.then(() => {
      if (!stopping.signal.aborted) timer = setTimeout(next, Math.min(passEveryMs, inspectEveryMs));
    });
  };
  next();
  return {
    async stop() {
      stopping.abort(new AppError("interrupted", { message: "the worker was stopped" }));
      if (timer !== null) clearTimeout(timer);
      await current;
      await Promise.all(running.values());
      await turn.end();
    },
  };
}

/** Those whose time has come, the longest waiting first. One seen for the first time counts from its last inspection. */
async function dueServers(
  deps: WorkerDeps,
  watched: Map<string, Watched>,
  settleMs: number,
): Promise<readonly { readonly server: Server; readonly state: Watched }[]> {
  const servers = await deps.metadata.servers.all();
  const offline = new Set((await deps.metadata.offline.current()).map((period) => period.serverId));
  await meet(deps, watched, servers, settleMs);
  const nowMs = deps.clock.monotonicMs();
  const due: { readonly server: Server; readonly state: Watched }[] = [];
  for (const server of servers) {
    const state = watched.get(server.id);
    if (state === undefined) continue;
    const isOffline = offline.has(server.id);
    if (state.wasOffline && !isOffline) state.nextMs = nowMs;
    state.wasOffline = isOffline;
    if (state.walMode !== server.walMode) state.soonMs = nowMs + settleMs;
    state.walMode = server.walMode;
    if (!isOffline && dueMs(state) <= nowMs) due.push({ server, state });
  }
  return due.sort((left, right) => dueMs(left.state) - dueMs(right.state));
}

function dueMs({ nextMs, soonMs }: Watched): number {
  return soonMs === null ? nextMs : Math.min(nextMs, soonMs);
}

async function meet(
  deps: WorkerDeps,
  watched: Map<string, Watched>,
  servers: readonly Server[],
  settleMs: number,
): Promise<void> {
  const strangers = servers.filter((server) => !watched.has(server.id));
  const snapshots =
    strangers.length === 0 ? [] : await deps.metadata.servers.snapshots(strangers.map((server) => server.id));
  const nowMs = deps.clock.monotonicMs();
  for (const { id, createdAt, walMode } of strangers) {
    const observedAt = snapshots.find((snapshot) => snapshot.serverId === id)?.observedAt;
    const ageMs = observedAt === undefined ? Infinity : deps.clock.now().getTime() - observedAt.getTime();
    const leftMs = Math.max(0, deps.settings.inspectEveryMs - Math.max(0, ageMs));
    // It was looked at to be added: what is to become of its WAL was not said yet.
    const isNew = observedAt !== undefined && observedAt <= createdAt && walMode !== "none";
    watched.set(id, { nextMs: nowMs + leftMs, soonMs: isNew ? nowMs + settleMs : null, walMode, wasOffline: false });
  }
  const registered = new Set(servers.map((server) => server.id));
  for (const id of watched.keys()) if (!registered.has(id)) watched.delete(id);
}

/** True when the server could be asked and nothing keeps its WAL from us. Never throws. */
async function pollServer(
  deps: WorkerDeps,
  server: Server,
  { stopping, limitMs }: { readonly stopping: AbortSignal; readonly limitMs: number },
): Promise<boolean> {
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([stopping, limit]);
  let startedAt: Date | null = null;
  try {
    startedAt = await deps.metadata.instance.now();
    const settings = await serverConnection(deps, server.id);
    const outcome = await lookOrExplain(deps, settings, server, { checkIds: null, signal });
    // Set offline meanwhile: whoever did so does not want to hear that it does not answer.
    const [offline] = await deps.metadata.offline.current([server.id]);
    if (offline === undefined) await recordOutcome(deps, server.id, outcome);
    return outcome.kind === "looked" && !outcome.look.checks.some(keepsWalFromUs);
  } catch (error) {
    if (stopping.aborted) return false;
    const trouble = limit.aborted ? tooSlow(server, limitMs) : error;
    deps.logger.warn({ err: trouble, serverId: server.id }, "a server could not be inspected");
    if (startedAt !== null && trouble instanceof AppError && connectionCodes.has(trouble.code)) {
      await noteTrouble(deps, server, startedAt, trouble);
    }
    return false;
  }
}

function keepsWalFromUs({ state, severity }: ServerCheckResult): boolean {
  return state === "found" && severity === "blocks-wal";
}

/** What keeps us from it before anything is sent, and silence. */
const connectionCodes: ReadonlySet<string> = new Set(["secret-unreadable", "dsn-invalid", "connection-timeout"]);

async function noteTrouble(deps: WorkerDeps, server: Server, observedAt: Date, error: AppError): Promise<void> {
  const { code, message, hint } = error;
  try {
    const trouble = { error: { code, message, hint: hint ?? null }, remedy: null };
    await recordOutcome(deps, server.id, { kind: "trouble", observedAt, trouble });
  } catch (cause) {
    deps.logger.warn({ err: cause, serverId: server.id }, "what keeps a server from being inspected was not recorded");
  }
}

function tooSlow(server: Server, limitMs: number): AppError {
  return new AppError("connection-timeout", {
    message: `${server.name} did not answer everything within ${limitMs / 1_000} s`,
    hint: "it may be overloaded, or the network to it stalls",
  });
}

/** The right to poll, kept from pass to pass; another worker takes over when this one stops renewing it. */
function keepTurn({ metadata, workerId, logger }: WorkerDeps) {
  const request = { key: "inspections", workerId, runId: null, ttlMs: turnTtlMs };
  let lease: HeldLease | null = null;
  const renewal = setInterval(() => {
    if (lease === null) return;
    metadata.leases.renew(lease, turnTtlMs).then(
      (renewed) => {
        if (lease !== null) lease = renewed;
      },
      (error: unknown) => {
        // Two workers that poll for a while do no harm; one that thinks it still may, for ever, would.
        lease = null;
        logger.debug({ err: error }, "the turn to poll was lost");
      },
    );
  }, turnTtlMs / 4);
  return {
    async isOurs(): Promise<boolean> {
      lease ??= await metadata.leases.acquire(request);
      return lease !== null;
    },
    async end(): Promise<void> {
      clearInterval(renewal);
      const held = lease;
      lease = null;
      if (held === null) return;
      await metadata.leases.release(held).catch((error: unknown) => logger.debug({ err: error }, "the turn to poll"));
    },
  };
}

const passEveryMs = 2_000;
/** One in trouble is asked this often, so that its finding goes soon after the trouble. */
const usualTroubleEveryMs = 30_000;
/** A receiver's server is claimed and has its slot within this. */
const usualSettleMs = 10_000;
/** Servers asked at once: a few dead ones must not hold up the others, and a worker has acts to do. */
const atOnce = 4;
/** A look is some fifty questions of milliseconds and two logins. */
const longestLookMs = 60_000;
const turnTtlMs = 12_000;
