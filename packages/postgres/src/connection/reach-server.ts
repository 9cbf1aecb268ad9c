import { AppError, type ErrorCode } from "@tidemark/kit";
import { abortable } from "./abortable.ts";
import type { ConnectionSettings, HostAddress, TargetSessionAttrs } from "./connection-settings.ts";
import { type ConnectObserver, type Encryption, type OpenedSocket, openSocket, shuffled } from "./socket.ts";
import { checkTarget, type ServerStanding, targetRounds } from "./target-session.ts";

export interface ReachOptions<T> {
  readonly reading: "pooled" | "stream";
  readonly signal: AbortSignal | undefined;
  /** For reaching and logging in, per host, unless the settings have their own connect_timeout. */
  readonly timeoutMs: number;
  readonly observer?: ConnectObserver | undefined;
  /** Logs in over the opened socket; the signal is that of the attempt. The socket is destroyed when it throws. */
  readonly login: (opened: OpenedSocket, signal: AbortSignal) => Promise<T>;
  /** Asks a session what it is allowed; only when target_session_attrs matters. */
  readonly standing: (session: T) => Promise<ServerStanding>;
  /** Ends a session with a server that will not do. Must not throw. */
  readonly close: (session: T) => Promise<void>;
}

/**
 * Tries the settings' hosts in order, each with the encryptions its sslmode allows, and returns the first session.
 *
 * The next host is tried when one cannot be reached or does not accept connections now; a host that refuses the login
 * ends the search, as in libpq. The other encryption is tried when the first was refused for being (or not being)
 * encrypted. A host that is not what target_session_attrs asks for counts as one that cannot be used. With several
 * failures the first host's counts and the others are listed in its message.
 */
export async function reachServer<T>(settings: ConnectionSettings, options: ReachOptions<T>): Promise<T> {
  const failures: AppError[] = [];
  const rounds = targetRounds(settings.targetSessionAttrs);
  for (const wanted of rounds) {
    failures.length = 0;
    for (const address of settings.loadBalanceHosts ? shuffled(settings.hosts) : settings.hosts) {
      try {
        return await reachHost(settings, address, wanted, options);
      } catch (error) {
        if (!(error instanceof AppError) || !nextHostCodes.has(error.code)) throw error;
        failures.push(error);
      }
    }
  }
  const [first, ...others] = failures as [AppError, ...AppError[]];
  if (others.length === 0) throw first;
  throw new AppError(first.code, {
    message: `no host could be reached: ${failures.map((failure) => failure.message).join("; ")}`,
    hint: first.hint,
    context: first.context,
    cause: new AggregateError(failures),
  });
}

async function reachHost<T>(
  settings: ConnectionSettings,
  address: HostAddress,
  wanted: TargetSessionAttrs,
  options: ReachOptions<T>,
): Promise<T> {
  const timeoutMs = Math.min(settings.connectTimeoutMs ?? options.timeoutMs, longestTimerMs);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(timedOut(address, timeoutMs)), timeoutMs);
  const outer = options.signal;
  const cancel = (): void => deadline.abort(cancelled(outer?.reason));
  if (outer?.aborted === true) cancel();
  outer?.addEventListener("abort", cancel, { once: true });
  const wantedOptions = { ...options, timeoutMs, login: loginChecked(options, wanted, address.host) };
  try {
    const [first, second] = connectionAttempts(settings);
    try {
      return await attempt(settings, address, first, wantedOptions, deadline.signal);
    } catch (error) {
      const mayRetry = error instanceof AppError && otherEncryptionCodes.has(error.code) && !deadline.signal.aborted;
      if (second === undefined || !mayRetry) throw error;
      // The other way's failure says less than the first one's.
      return await attempt(settings, address, second, wantedOptions, deadline.signal).catch((retried: unknown) => {
        throw retried instanceof AppError && otherEncryptionCodes.has(retried.code) ? error : retried;
      });
    }
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", cancel);
  }
}

/** Logs in and keeps the session only when the server is what is asked for. */
function loginChecked<T>(options: ReachOptions<T>, wanted: TargetSessionAttrs, host: string): ReachOptions<T>["login"] {
  if (wanted === "any") return options.login;
  return async (opened, signal) => {
    const session = await options.login(opened, signal);
    try {
      checkTarget(wanted, await options.standing(session), host);
      return session;
    } catch (error) {
      await options.close(session);
      throw error;
    }
  };
}

/** In which order encryption is tried (PostgreSQL manual, "SSL Mode Descriptions"). */
export function connectionAttempts(settings: ConnectionSettings): readonly [Encryption, Encryption?] {
  switch (settings.sslMode) {
    case "disable":
      return ["plain"];
    case "allow":
      return ["plain", "tls"];
    case "prefer":
      return ["tls-if-offered", "plain"];
    default:
      return ["tls"];
  }
}

async function attempt<T>(
  settings: ConnectionSettings,
  address: HostAddress,
  encryption: Encryption,
  options: ReachOptions<T>,
  signal: AbortSignal,
): Promise<T> {
  const { reading, observer, timeoutMs } = options;
  const opened = await openSocket(settings, address, { encryption, reading, signal, timeoutMs, observer });
  const abort = (): void => {
    opened.source.fail(signal.reason);
    opened.socket.destroy();
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    // The thread that computes as many iterations of SCRAM as the server likes does not hear of the signal.
    return await abortable(options.login(opened, signal), signal);
  } catch (error) {
    opened.socket.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** 24 days: what a timer of the runtime holds (an int32 of milliseconds; one beyond fires at once), and statement_timeout. */
export const longestTimerMs = 2_147_483_647;

const nextHostCodes: ReadonlySet<ErrorCode> = new Set([
  "host-unknown",
  "connection-refused",
  "connection-timeout",
  "connection-lost",
  "server-starting",
  "too-many-connections",
  "server-in-recovery",
  "server-not-in-recovery",
]);
const otherEncryptionCodes: ReadonlySet<ErrorCode> = new Set(["tls-failed", "tls-not-offered", "hba-entry-missing"]);

function timedOut(address: HostAddress, timeoutMs: number): AppError {
  return new AppError("connection-timeout", {
    message: `${address.host} port ${address.port} did not answer within ${timeoutMs} ms`,
    hint: "a firewall that drops packets, a wrong address or an overloaded server look like this",
    context: { host: address.host, port: address.port },
  });
}

export function cancelled(cause?: unknown): AppError {
  return new AppError("cancelled", { message: "the session with the server was cancelled", cause });
}
