import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, count, exactBytes, sentence, words } from "#lib/format.ts";
import { CodeBlock } from "#ui/code-block.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Step, StepList } from "#ui/step-list.tsx";
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
      {plan.emptiedDatabases.length > 0 && <EmptiedDatabases names={plan.emptiedDatabases} />}
      {plan.delta !== null && <DeltaReview delta={plan.delta} />}
      <Facts columns={3}>
        <Fact label="Writes" title={exactBytes(plan.bytesToWrite)}>
          {bytes(plan.bytesToWrite)} in {count(plan.fileCount)} files
        </Fact>
        <Fact label="Reads from the repository" title={exactBytes(plan.bytesToRead)}>
          {bytes(plan.bytesToRead)}
        </Fact>
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
