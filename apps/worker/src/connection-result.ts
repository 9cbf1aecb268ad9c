import type { ConnectionReportResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { ServerContact } from "@tidemark/metadata";
import {
  askAgain,
  type ConnectionReport,
  type ConnectionSettings,
  type ConnectionStep,
  type ConnectionStepResult,
  readDatabasesSize,
  SqlSession,
} from "@tidemark/postgres";
import type { ServerLook } from "./inspect/look-at-server.ts";

/** A report as the run's result carries it. */
export function reportOf(
  report: ConnectionReport,
  {
    sizeBytes,
    duplicateOf,
    look,
  }: {
    readonly sizeBytes: bigint | null;
    readonly duplicateOf: ConnectionReportResult["duplicateOf"];
    /** Null when the login failed. */
    readonly look: ServerLook | null;
  },
): ConnectionReportResult {
  const { server } = report.facts;
  const systemIdentifier = systemIdentifierOf(report);
  return {
    ok: failureOf(report, look) === null,
    steps: report.steps.map((step) => stepOf(step, report, look)),
    facts:
      server === null || systemIdentifier === null
        ? null
        : {
            systemIdentifier: String(systemIdentifier),
            serverVersion: server.versionText,
            majorVersion: server.major,
            inRecovery: server.inRecovery,
            walLevel: server.walLevel,
            checksums: server.dataChecksums,
            sizeBytes: sizeBytes === null ? null : String(sizeBytes),
          },
    duplicateOf,
    serverId: null,
    checks: [...(look?.checks ?? [])],
    privileges: look?.document?.privileges ?? null,
  };
}

/** The step that keeps backups from this connection; null when they can be taken over it, one way or another. */
export function failureOf(report: ConnectionReport, look: ServerLook | null): ConnectionStepResult | null {
  const failed = report.steps.find((step) => step.state === "failed");
  if (failed === undefined || isSpared(failed, report, look)) return null;
  return failed;
}

/** The replication protocol is not needed where files are read instead and the server can be told from others. */
function isSpared({ step, error }: ConnectionStepResult, report: ConnectionReport, look: ServerLook | null): boolean {
  const needsReplication = step === "replication" || (step === "role" && error?.code === "replication-not-permitted");
  return needsReplication && look?.onlyByFiles === true && systemIdentifierOf(report) !== null;
}

function stepOf(
  step: ConnectionStepResult,
  report: ConnectionReport,
  look: ServerLook | null,
): ConnectionReportResult["steps"][number] {
  const isSparedStep = step.state === "failed" && isSpared(step, report, look);
  // TLS that was wished for and not offered is no failure, and no green tick either.
  const isWarning = isSparedStep || (step.step === "tls" && report.facts.tlsFellBack && step.state !== "failed");
  const detail = isSparedStep ? `${step.detail}; backups of this server are taken by reading files` : step.detail;
  return {
    step: step.step,
    title: stepTitles[step.step],
    state: isWarning ? "warning" : step.state,
    durationMs: step.state === "skipped" ? null : step.durationMs,
    detail: detail === "" ? null : detail,
    error: isSparedStep ? null : (step.error ?? null),
    remedy: step.remedy ?? null,
  };
}

/** From the replication session, or else from the control file, if the role may ask. */
export function systemIdentifierOf({ facts }: ConnectionReport): bigint | null {
  return facts.identity?.systemIdentifier ?? facts.server?.systemIdentifier ?? null;
}

/** What a successful test says about the server, for its row. */
export function contactOf(report: ConnectionReport, sizeBytes: bigint | null): ServerContact {
  const { server } = report.facts;
  const systemIdentifier = systemIdentifierOf(report);
  if (server === null || systemIdentifier === null)
    throw new AppError("internal", { message: "a connection that was tested well has no facts" });
  return {
    systemIdentifier: String(systemIdentifier),
    serverVersion: server.versionText,
    majorVersion: server.major,
    inRecovery: server.inRecovery,
    sizeBytes,
  };
}

/** The sum of all databases' sizes, for estimates; null when this role may not see it. */
export async function databaseSize(settings: ConnectionSettings, signal: AbortSignal): Promise<bigint | null> {
  try {
    return await askAgain(
      () => SqlSession.connect(settings, { signal }),
      (session) => readDatabasesSize(session),
      { attempts: 2, signal },
    );
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error;
    return null;
  }
}

const stepTitles: Readonly<Record<ConnectionStep, string>> = {
  dns: "Find the host",
  tcp: "Reach the port",
  tls: "Encrypt the connection",
  authentication: "Log in",
  database: "Open the database",
  role: "Know the role",
  replication: "Replicate",
  version: "Check the version",
};
