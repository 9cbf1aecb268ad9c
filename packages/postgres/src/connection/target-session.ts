import { AppError } from "@tidemark/kit";
import type { TargetSessionAttrs } from "./connection-settings.ts";

/** What a session is allowed at its server, for target_session_attrs. */
export interface ServerStanding {
  /** Null: the server does not say. */
  readonly inRecovery: boolean | null;
  /** Transactions are read-only unless they say otherwise; always so in recovery. */
  readonly isReadOnly: boolean;
}

/**
 * What a server of 14 or newer reported at login, as libpq reads it (fe-connect.c, CONNECTION_CHECK_TARGET); null for
 * an older one, which must be asked.
 */
export function reportedStanding(parameters: ReadonlyMap<string, string>): ServerStanding | null {
  const hotStandby = parameters.get("in_hot_standby");
  const readOnly = parameters.get("default_transaction_read_only");
  if (hotStandby === undefined || readOnly === undefined) return null;
  return { inRecovery: hotStandby === "on", isReadOnly: hotStandby === "on" || readOnly === "on" };
}

/**
 * What two SHOWs tell a replication session of 13, which cannot be asked with SQL. Every transaction is read-only in
 * recovery; when the default is so too, recovery cannot be told.
 */
export function shownStanding(transactionReadOnly: string, defaultReadOnly: string): ServerStanding {
  const isReadOnly = transactionReadOnly === "on";
  return { isReadOnly, inRecovery: isReadOnly && defaultReadOnly === "on" ? null : isReadOnly };
}

/** The rounds over the hosts: `prefer-standby` takes anything when no host is a standby. */
export function targetRounds(wanted: TargetSessionAttrs): readonly TargetSessionAttrs[] {
  return wanted === "prefer-standby" ? ["standby", "any"] : [wanted];
}

/**
 * @throws AppError `server-in-recovery`, `server-not-in-recovery` when the host will not do, `version-unsupported` when
 * a replication session of 13 cannot tell.
 */
export function checkTarget(wanted: TargetSessionAttrs, standing: ServerStanding, host: string): void {
  const { inRecovery, isReadOnly } = standing;
  switch (wanted) {
    case "any":
      return;
    case "read-write":
      if (isReadOnly) throw notWanted("server-in-recovery", wanted, host, "its transactions are read-only");
      return;
    case "read-only":
      if (!isReadOnly) throw notWanted("server-not-in-recovery", wanted, host, "it takes writes");
      return;
    default:
      if (inRecovery === null) throw cannotTell(wanted, host);
      if (wanted === "primary" && inRecovery) throw notWanted("server-in-recovery", wanted, host, "it is a standby");
      if (wanted !== "primary" && !inRecovery)
        throw notWanted("server-not-in-recovery", wanted, host, "it is a primary");
  }
}

function notWanted(
  code: "server-in-recovery" | "server-not-in-recovery",
  wanted: TargetSessionAttrs,
  host: string,
  why: string,
): AppError {
  return new AppError(code, {
    message: `${host} is not what target_session_attrs=${wanted} asks for: ${why}`,
    hint: "name the hosts of all members in the connection string, or change target_session_attrs",
    context: { host },
  });
}

function cannotTell(wanted: TargetSessionAttrs, host: string): AppError {
  return new AppError("version-unsupported", {
    message: `${host} runs PostgreSQL 13 with default_transaction_read_only, where a replication session cannot tell a standby from a primary`,
    hint: `leave out target_session_attrs=${wanted}, or name one host only`,
    context: { host },
  });
}
