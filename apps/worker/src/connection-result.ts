import type { ConnectionReportResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { ServerContact } from "@tidemark/metadata";
import {
  askAgain,
  type ConnectionReport,
  type ConnectionSettings,
  type ConnectionStep,
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
  const { server, identity } = report.facts;
  return {
    ok: report.ok,
    steps: report.steps.map((step) => ({
      step: step.step,
      title: stepTitles[step.step],
      // TLS that was wished for and not offered is no failure, and no green tick either.
      state: step.step === "tls" && report.facts.tlsFellBack && step.state !== "failed" ? "warning" : step.state,
      durationMs: step.state === "skipped" ? null : step.durationMs,
      detail: step.detail === "" ? null : step.detail,
      error: step.error ?? null,
      remedy: step.remedy ?? null,
    })),
    facts:
      server === null || identity === null
        ? null
        : {
            systemIdentifier: String(identity.systemIdentifier),
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

/** What a successful test says about the server, for its row. */
export function contactOf(report: ConnectionReport, sizeBytes: bigint | null): ServerContact {
  const { server, identity } = report.facts;
  if (server === null || identity === null)
    throw new AppError("internal", { message: "a connection that was tested well has no facts" });
  return {
    systemIdentifier: String(identity.systemIdentifier),
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
