"use client";
import { useState } from "react";
import { ConnectionReportView } from "#connection/connection-report-view.tsx";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { describeDraft, toRetentionInput } from "#retention/retention-draft.ts";
import { toTargetsInput } from "#retention/target-draft.ts";
import { RunInline } from "#runs/run-inline.tsx";
import { useRun } from "#runs/use-run.ts";
import { SchedulePreview } from "#schedules/schedule-preview.tsx";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Fact, Facts } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { dailyRetention, type ServerDraft, weeklyDrill } from "./draft.ts";
import type { RepositoryChoice } from "./policy-step.tsx";
import { useLeadOn } from "./use-lead-on.ts";

const AddServer = graphql(
  `
    mutation AddServer($input: AddServerInput!) {
      addServer(input: $input) {
        run {
          id
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

interface Props {
  readonly draft: ServerDraft;
  readonly repositories: readonly RepositoryChoice[];
  readonly onBack: () => void;
  readonly onConnection: () => void;
}

/** The last look, then: register the server, take its first backup, and go where that can be watched. */
export function FinishStep({ draft, repositories, onBack, onConnection }: Props) {
  const { act, pending, problem } = useAct(AddServer, true);
  const [runId, setRunId] = useState<string | null>(null);
  const watched = useRun(runId);
  const leading = useLeadOn(watched.run, draft.sameSystemAs === "MEMBER");
  const failed = watched.run !== null && watched.run.state !== "SUCCEEDED" && watched.run.finishedAt !== null;

  const finish = async () => {
    const { backup, retention, targets, drill, ...rest } = draft;
    const payload = await act({
      input: {
        ...rest,
        retention: toRetentionInput(retention),
        targets: toTargetsInput(targets),
        backupCron: backup.cron,
        drillCron: drill ? weeklyDrill : null,
        retentionCron: dailyRetention,
        zone: backup.zone,
        firstBackup: true,
      },
    });
    setRunId(payload?.run?.id ?? null);
  };

  return (
    <div className="space-y-5">
      <Panel title="What will be">
        <DraftFacts draft={draft} repositories={repositories} />
      </Panel>
      {problem !== null && (
        <ErrorPanel
          announce
          title={`${draft.name} was not added`}
          problem={problem}
          action={
            problem.field === "name" || problem.field === "dsn" ? (
              <Button small onClick={onConnection}>
                Change name or connection
              </Button>
            ) : undefined
          }
        />
      )}
      {runId !== null && (
        <Panel title="Adding the server">
          <div className="space-y-4">
            <RunInline watched={watched} what="Last check of the connection" />
            {failed && watched.run?.connectionReport && <ConnectionReportView report={watched.run.connectionReport} />}
            {failed && watched.run?.error && watched.run.connectionReport !== null && (
              <ErrorPanel announce title={`${draft.name} was not added`} problem={watched.run.error} />
            )}
            {leading && (
              <p role="status" className="text-sm">
                The server is registered. Opening its first backup…
              </p>
            )}
          </div>
        </Panel>
      )}
      <Actions>
        <Button onClick={onBack} disabled={runId !== null && !failed}>
          Back
        </Button>
        <Button tone="primary" pending={pending || (runId !== null && !failed)} onClick={() => void finish()}>
          Finish
        </Button>
      </Actions>
    </div>
  );
}

function DraftFacts({ draft, repositories }: Pick<Props, "draft" | "repositories">) {
  const { minimum } = draft.retention;
  const rules = describeDraft(draft.retention);
  if (draft.sameSystemAs === "MEMBER")
    return (
      <p className="text-sm">
        {draft.name} becomes a member of the server it belongs to and shares its backups, policy and schedules.
      </p>
    );
  return (
    <Facts columns={2}>
      <Fact label="Server">
        {draft.name}
        {draft.sameSystemAs === "COPY" && " (as a copy with an area of its own)"}
      </Fact>
      <Fact label="Repository">
        {repositories.find((repository) => repository.id === draft.repositoryId)?.name ?? "–"}
      </Fact>
      <Fact label="Backups">
        <SchedulePreview cron={draft.backup.cron} zone={draft.backup.zone} />
      </Fact>
      <Fact label="Kept">
        {rules.length === 0 ? "every backup" : `${rules.join(" and ")}, never fewer than ${minimum}`}
      </Fact>
      <Fact label="Drill">{draft.drill ? "every Sunday at 04:00" : "only when asked for"}</Fact>
      <Fact label="First backup">at once</Fact>
    </Facts>
  );
}
