import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, count, etaRange, exactBytes, plural, sentence, words } from "#lib/format.ts";
import { CodeBlock } from "#ui/code-block.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Step, StepList } from "#ui/step-list.tsx";
import { Time } from "#ui/time.tsx";
import { DeltaReview, EmptiedDatabases } from "./delta-review.tsx";
import type { RestorePlanFields } from "./restore-plan-fields.ts";

export type RestorePlan = ResultOf<typeof RestorePlanFields>;

/** The pre-flight list of a plan. */
export function PlanChecks({ plan }: { readonly plan: RestorePlan }) {
  return (
    <StepList label="Pre-flight checks">
      {plan.checks.map((check) => (
        <Step key={check.id} state={check.state} title={words(check.id)}>
          <p className="break-words text-muted">{sentence(check.sentence)}</p>
        </Step>
      ))}
    </StepList>
  );
}

/** What the restore will do, as a sentence, in numbers, and as the command and the mutation that do the same. */
export function PlanReview({ plan }: { readonly plan: RestorePlan }) {
  return (
    <div className="space-y-4">
      <p className="text-base font-medium break-words">{sentence(plan.sentence)}</p>
      {plan.recovery !== null && <RecoveryReview recovery={plan.recovery} />}
      {plan.emptiedDatabases.length > 0 && <EmptiedDatabases names={plan.emptiedDatabases} />}
      {plan.delta !== null && <DeltaReview delta={plan.delta} />}
      <Facts columns={3}>
        <Fact label="Writes" title={exactBytes(plan.bytesToWrite)}>
          {bytes(plan.bytesToWrite)} in {count(plan.fileCount)} files
        </Fact>
        <Fact label="Reads from the repository" title={exactBytes(plan.bytesToRead)}>
          {bytes(plan.bytesToRead)}
        </Fact>
        {plan.recovery !== null && (
          <Fact label="WAL">
            {plan.recovery.segments === 0
              ? "what the backup holds"
              : `${plural(plan.recovery.segments, "segment")}, ${bytes(plan.recovery.storedBytes)}`}
          </Fact>
        )}
        {plan.recovery !== null && (
          <Fact label="Recovers to" title={plan.recovery.throughLsn}>
            {plan.recovery.throughAt === null ? (
              <Mono>{plan.recovery.throughLsn}</Mono>
            ) : (
              <Time at={plan.recovery.throughAt} show="absolute" />
            )}
            , timeline {plan.recovery.timeline}
          </Fact>
        )}
        {plan.estimate !== null && (
          <Fact label="Takes, likely" title={plan.estimate.how}>
            {etaRange(plan.estimate.lowMs, plan.estimate.highMs)}
          </Fact>
        )}
        <Fact label="Directory">
          <Mono>{plan.targetDirectory}</Mono>
        </Fact>
        {plan.tablespaces.map((mapping) => (
          <Fact key={mapping.oid} label={`Tablespace ${mapping.oid}`}>
            <Mono>
              {mapping.from} → {mapping.to}
            </Mono>
          </Fact>
        ))}
      </Facts>
      <CodeBlock what="Command line" text={plan.equivalentCli} />
      <CodeBlock what="GraphQL" text={plan.equivalentGraphql} />
    </div>
  );
}

/** What happens when the restored server is started. */
function RecoveryReview({ recovery }: { readonly recovery: NonNullable<RestorePlan["recovery"]> }) {
  return (
    <div className="space-y-1 text-sm">
      <p>{sentence(recovery.sentence)}.</p>
      {recovery.notes.map((note) => (
        <p key={note} className="text-muted">
          {sentence(note)}
        </p>
      ))}
    </div>
  );
}
