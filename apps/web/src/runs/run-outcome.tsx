import { BackupStateBadge } from "#backups/backup-badges.tsx";
import { VerificationView } from "#backups/proof-view.tsx";
import { CheckList } from "#checks/check-list.tsx";
import { ConnectionReportView } from "#connection/connection-report-view.tsx";
import { EvidenceView } from "#drills/evidence-view.tsx";
import { bytes } from "#lib/format.ts";
import { backupPath, evidencePath, restorePath, serverPath, withParams } from "#lib/paths.ts";
import { FoundMomentsView } from "#recovery/found-moments.tsx";
import { PlanChecks, PlanReview } from "#restore/restore-plan-view.tsx";
import { RetentionDecisions } from "#retention/retention-decisions.tsx";
import { ServerActView } from "#server-acts/server-act-view.tsx";
import { LinkButton } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Fact, Facts } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { AreaVerification } from "./area-verification.tsx";
import { CloneMade } from "./clone-made.tsx";
import { ResultFacts } from "./result-facts.tsx";
import type { RunDetail } from "./run-query.ts";
import { isFinal, runTitle } from "./run-state.ts";

/** What a run came to: its failure with the next step, and what it found or made. */
export function RunOutcome({ run }: { readonly run: RunDetail }) {
  if (!isFinal(run.state)) return run.connectionReport === null ? null : <RunResult run={run} />;
  return (
    <>
      {run.error !== null && (
        <ErrorPanel title={failureTitle(run)} problem={run.error} action={<NextStep run={run} />} />
      )}
      {run.state === "CANCELLED" && run.error === null && run.cancelEffect !== null && (
        <Note>Cancelled as asked: {run.cancelEffect}</Note>
      )}
      <RunResult run={run} />
    </>
  );
}

function failureTitle(run: RunDetail): string {
  const verb = { FAILED: "failed", INTERRUPTED: "was interrupted", CANCELLED: "was cancelled" } as const;
  return `${runTitle(run)} ${run.state in verb ? verb[run.state as keyof typeof verb] : "reported a problem"}`;
}

/** Where the failed act is asked for again. */
function NextStep({ run }: { readonly run: RunDetail }) {
  if (run.kind === "CONNECTION_TEST" || run.server === null) return null;
  if (run.kind === "INSPECT" || run.kind === "SERVER_ACT") {
    return (
      <LinkButton small href={serverPath(run.server, run.kind === "INSPECT" ? "readiness" : "server")}>
        To {run.server.name}
      </LinkButton>
    );
  }
  if (run.kind === "FIND_MOMENT")
    return (
      <LinkButton small href={serverPath(run.server, "recovery")}>
        Search again
      </LinkButton>
    );
  if (run.error?.code === "target-unreachable")
    return (
      <LinkButton small href={serverPath(run.server, "recovery")}>
        To the recoverable time line
      </LinkButton>
    );
  if (run.kind === "CLONE" || run.kind === "CLONE_ACT")
    return (
      <LinkButton small href={serverPath(run.server, "drills")}>
        To the clones
      </LinkButton>
    );
  if (run.kind === "BACKUP")
    return (
      <LinkButton small href={serverPath(run.server)}>
        To {run.server.name}
      </LinkButton>
    );
  if (run.kind === "RESTORE" || run.kind === "RESTORE_PLAN") {
    return (
      <LinkButton small href={restorePath(run.server, run.backup?.id)}>
        Plan the restore again
      </LinkButton>
    );
  }
  // Of all backups of the server, as a verification of an area or a copy is.
  if (run.backup === null) {
    return (
      <LinkButton small href={serverPath(run.server, "backups")}>
        To the backups
      </LinkButton>
    );
  }
  return (
    <LinkButton small href={backupPath(run.backup.id)}>
      To the backup
    </LinkButton>
  );
}

function RunResult({ run }: { readonly run: RunDetail }) {
  const { backup, server } = run;
  switch (run.kind) {
    case "CONNECTION_TEST":
      return (
        run.connectionReport && (
          <Panel title="Steps">
            <ConnectionReportView report={run.connectionReport} />
          </Panel>
        )
      );
    case "RESTORE_PLAN":
      return (
        run.restorePlan && (
          <Panel
            title="Plan"
            action={
              server !== null &&
              run.restorePlan.ok && (
                <LinkButton
                  small
                  tone="primary"
                  href={withParams(serverPath(server, "restore"), { backup: backup?.id, plan: run.id })}
                >
                  Review and restore
                </LinkButton>
              )
            }
          >
            <div className="space-y-5">
              <PlanChecks plan={run.restorePlan} />
              <PlanReview plan={run.restorePlan} />
            </div>
          </Panel>
        )
      );
    case "FIND_MOMENT":
      return (
        run.foundMoments &&
        server !== null && (
          <Panel title="What was found">
            <FoundMomentsView server={server} found={run.foundMoments} />
          </Panel>
        )
      );
    case "RETENTION":
      return (
        run.retentionPreview && (
          <Panel title="Decisions">
            <RetentionDecisions preview={run.retentionPreview} />
          </Panel>
        )
      );
    case "DRILL":
      return (
        run.drill && (
          <>
            <p>
              <LinkButton small href={evidencePath(run.id)}>
                Evidence to print or take away
              </LinkButton>
            </p>
            <EvidenceView drill={run.drill} />
          </>
        )
      );
    case "VERIFY":
      if (backup === null) return <AreaVerification result={run.result} />;
      return backup.verification && isOf(run, backup.verification.at) ? (
        <Panel title="Verification">
          <VerificationView verification={backup.verification} />
        </Panel>
      ) : null;
    case "CLONE":
      return run.state === "SUCCEEDED" ? <CloneMade run={run} /> : null;
    case "BACKUP":
      return run.state === "SUCCEEDED" && backup !== null ? <BackupMade run={run} /> : null;
    case "INSPECT":
      return (
        run.inspection && (
          <Panel title="Checks" padded={false}>
            <CheckList checks={run.inspection.checks} />
          </Panel>
        )
      );
    case "SERVER_ACT":
      return (
        run.serverAct && (
          <Panel title="Result">
            <ServerActView result={run.serverAct} />
          </Panel>
        )
      );
    case "COPY":
      // Of one that failed, too: what was copied all the same, and each thing that was not.
      return <ResultFacts result={run.result} />;
    case "RECOVERY_KIT":
      // The kit itself, sealed for whoever asked; it is opened on the repository's page.
      return null;
    default:
      return run.state === "SUCCEEDED" ? <ResultFacts result={run.result} /> : null;
  }
}

/** The backup keeps only its newest proof and verification: true when that is the one this run made. */
function isOf(run: RunDetail, at: string): boolean {
  return (
    run.startedAt !== null &&
    Date.parse(at) >= Date.parse(run.startedAt) &&
    Date.parse(at) <= Date.parse(run.finishedAt ?? at)
  );
}

function BackupMade({ run: { backup } }: { readonly run: RunDetail }) {
  if (backup === null) return null;
  return (
    <Panel
      title="The backup"
      action={
        <LinkButton small tone="primary" href={backupPath(backup.id)}>
          Open backup
        </LinkButton>
      }
    >
      <Facts columns={3}>
        <Fact label="State">
          <BackupStateBadge backup={backup} />
        </Fact>
        <Fact label="A restore writes">{bytes(backup.sizeBytes)}</Fact>
        <Fact label="Newly stored">{bytes(backup.storedBytes)}</Fact>
        {backup.reading !== null && (
          <Fact label="Read">
            {backup.reading.kind === "INCREMENTAL"
              ? "what changed since an earlier backup"
              : `everything${backup.reading.reason === null ? "" : `, because ${backup.reading.reason}`}`}
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}
