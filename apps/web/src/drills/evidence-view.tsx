import Link from "next/link";
import { bytes, count, duration, plural, sentence, words } from "#lib/format.ts";
import { backupPath } from "#lib/paths.ts";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Step, StepList } from "#ui/step-list.tsx";
import { Time } from "#ui/time.tsx";
import { askedWords, wasRestored } from "./drill-facts.ts";
import { OutcomeBadge } from "./drill-outcome.tsx";
import type { DrillEvidence } from "./drill-query.ts";
import { targetWords } from "./trial-target.ts";

/** Every fact that is kept of a drill; on its run's page and on the page to print. */
export function EvidenceView({ drill }: { readonly drill: DrillEvidence }) {
  return (
    <>
      <Panel title="Outcome">
        <div className="space-y-4">
          <Facts columns={3}>
            <Fact label="Outcome">
              <OutcomeBadge outcome={drill.outcome} />
            </Fact>
            <Fact label="Measured recovery time">{duration(drill.rtoMs)}</Fact>
            <Fact label="From">
              <Time at={drill.startedAt} show="absolute" />
            </Fact>
            <Fact label="Until">
              <Time at={drill.finishedAt} show="absolute" />
            </Fact>
          </Facts>
          {drill.reason !== null && <p className="text-sm font-medium">{sentence(drill.reason)}.</p>}
          {drill.phases.length > 0 && (
            <dl aria-label="Phases of the drill" className="flex flex-wrap gap-x-6 gap-y-1 text-sm tabular-nums">
              {drill.phases.map((phase) => (
                <div key={phase.name} className="flex gap-2">
                  <dt className="text-muted">{words(phase.name)}</dt>
                  <dd>{duration(phase.durationMs)}</dd>
                </div>
              ))}
            </dl>
          )}
        </div>
      </Panel>
      <Restored drill={drill} />
      {drill.checks.length > 0 && (
        <Panel title="Checks">
          <StepList label="Checks of the drill">
            {drill.checks.map((check) => (
              <Step key={check.name} state={check.ok ? "OK" : "FAILED"} title={sentence(check.name)}>
                <p className="break-words text-muted">{sentence(check.detail)}</p>
              </Step>
            ))}
          </StepList>
        </Panel>
      )}
      <Asked asked={drill.asked} />
      {drill.log !== null && drill.log !== "" && (
        <Panel title="The end of PostgreSQL's log">
          <pre className="max-h-96 overflow-auto text-[0.8125rem] leading-relaxed whitespace-pre-wrap print:max-h-none">
            {drill.log}
          </pre>
        </Panel>
      )}
    </>
  );
}

function Restored({ drill }: { readonly drill: DrillEvidence }) {
  const { backup, restored, recovery, postgresVersion, tidemarkVersion, hostname } = drill;
  const isThere = wasRestored(drill);
  return (
    <Panel title={isThere ? "What was restored, and to where" : "What was to be restored"}>
      <Facts columns={3}>
        {backup !== null && (
          <Fact label="Backup">
            <Link href={backupPath(backup.id)} className="text-accent hover:underline">
              <Mono>{backup.id}</Mono>
            </Link>
          </Fact>
        )}
        {backup?.startLsn != null && (
          <Fact label="Its WAL">
            <Mono>
              {backup.startLsn} … {backup.stopLsn ?? "?"}
            </Mono>
            , timeline {backup.timeline}
          </Fact>
        )}
        {restored !== null && (
          <>
            <Fact label="Server">{restored.serverName}</Fact>
            <Fact label="System identifier">
              <Mono>{restored.systemIdentifier}</Mono>
            </Fact>
            <Fact label="Its PostgreSQL">{versionText(restored.sourceVersion)}</Fact>
            <Fact label="The backup was complete">
              <Time at={restored.stoppedAt} show="absolute" />
            </Fact>
            <Fact label={isThere ? "Written" : "Its size"}>{bytes(restored.bytes)}</Fact>
          </>
        )}
        {(isThere || recovery !== null) && (
          <Fact label="Recovery">
            {recovery === null ? "To the end of the backup, without archived WAL" : sentence(recovery.sentence)}
          </Fact>
        )}
        {recovery !== null && (
          <>
            <Fact label="PostgreSQL was asked for">
              {targetWords(recovery.target)}, timeline {recovery.timeline}
            </Fact>
            <Fact label="Reached">
              {recovery.reachedLsn === null ? "–" : <Mono>{recovery.reachedLsn}</Mono>}
              {recovery.reachedAt !== null && (
                <>
                  , last commit <Time at={recovery.reachedAt} show="absolute" />
                </>
              )}
            </Fact>
            <Fact label="WAL">
              {plural(recovery.segments, "segment")}, waited for {duration(recovery.waitedMs)}
            </Fact>
          </>
        )}
        <Fact label="Started with">{postgresVersion === null ? "–" : `PostgreSQL ${postgresVersion}`}</Fact>
        <Fact label="By">{tidemarkVersion === null ? "–" : `Tidemark ${tidemarkVersion}`}</Fact>
        <Fact label="On">{hostname ?? "–"}</Fact>
      </Facts>
    </Panel>
  );
}

function Asked({ asked }: { readonly asked: DrillEvidence["asked"] }) {
  const { expectations } = asked;
  return (
    <Panel title="What was asked of it">
      <div className="space-y-4">
        <Facts columns={3}>
          <Fact label="To">{askedWords(asked)}</Fact>
          <Fact label="Timeline">{asked.timeline}</Fact>
          <Fact label="Largest copy">{asked.maxBytes === null ? "no limit" : bytes(asked.maxBytes)}</Fact>
          <Fact label="For the checks">{duration(asked.checkSeconds * 1000)}</Fact>
          <Fact label="For the replay">{duration(asked.replaySeconds * 1000)}</Fact>
          {expectations.estimateTolerancePercent !== null && (
            <Fact label="Counts against estimates">within {expectations.estimateTolerancePercent} %</Fact>
          )}
        </Facts>
        {expectations.rows.length > 0 && (
          <ul aria-label="Expected rows" className="list-disc space-y-1 ps-5 text-sm">
            {expectations.rows.map(({ database, table, rows, tolerancePercent }) => (
              <li key={`${database}.${table}`}>
                <Mono>
                  {database}.{table}
                </Mono>
                : {count(rows)} rows{tolerancePercent > 0 && `, ${tolerancePercent} % more or fewer`}
              </li>
            ))}
          </ul>
        )}
        {expectations.sql.map(({ name, database, sql, expected }) => (
          <div key={name} className="text-sm">
            <p>
              {name}, in <Mono>{database}</Mono>, must give <Mono>{JSON.stringify(expected)}</Mono>
            </p>
            <pre className="mt-1 overflow-x-auto rounded-md border bg-raised px-3 py-2 text-[0.8125rem] whitespace-pre-wrap">
              {sql}
            </pre>
          </div>
        ))}
      </div>
    </Panel>
  );
}

/** server_version_num: 180001 is 18.1. */
function versionText(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`;
}
