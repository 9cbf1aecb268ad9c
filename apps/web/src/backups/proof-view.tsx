import Link from "next/link";
import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, count, duration, sentence, words } from "#lib/format.ts";
import { evidencePath } from "#lib/paths.ts";
import { Fact, Facts } from "#ui/facts.tsx";
import { Step, StepList } from "#ui/step-list.tsx";
import { Time } from "#ui/time.tsx";
import type { ProofFields, VerificationFields } from "./proof-fields.ts";

/** A drill: that the backup was restored and started, how long it took, what was checked. */
export function ProofView({ proof }: { readonly proof: ResultOf<typeof ProofFields> }) {
  return (
    <div className="space-y-4">
      <Facts columns={3}>
        <Fact label="Outcome">{words(proof.outcome)}</Fact>
        <Fact label="Measured recovery time">{duration(proof.rtoMs)}</Fact>
        <Fact label="Drilled">
          <Time at={proof.at} show="absolute" />
        </Fact>
        {proof.run !== null && (
          <Fact label="Evidence">
            <Link href={evidencePath(proof.run.id)} className="text-accent hover:underline">
              to print or take away
            </Link>
          </Fact>
        )}
      </Facts>
      {proof.phases.length > 0 && (
        <dl aria-label="Phases of the drill" className="flex flex-wrap gap-x-6 gap-y-1 text-sm tabular-nums">
          {proof.phases.map((phase) => (
            <div key={phase.name} className="flex gap-2">
              <dt className="text-muted">{words(phase.name)}</dt>
              <dd>{duration(phase.durationMs)}</dd>
            </div>
          ))}
        </dl>
      )}
      {proof.checks.length > 0 && (
        <StepList label="Checks of the drill">
          {proof.checks.map((check) => (
            <Step key={check.name} state={check.ok ? "OK" : "FAILED"} title={sentence(check.name)}>
              <p className="break-words text-muted">{sentence(check.detail)}</p>
            </Step>
          ))}
        </StepList>
      )}
    </div>
  );
}

/** A verification: what was read back and compared, and what did not agree. */
export function VerificationView({ verification }: { readonly verification: ResultOf<typeof VerificationFields> }) {
  return (
    <div className="space-y-4">
      <Facts columns={3}>
        <Fact label="Outcome">{verification.ok ? "Everything agrees" : "Damage was found"}</Fact>
        <Fact label="Read and compared">
          {bytes(verification.checkedBytes)} in {count(verification.checkedFiles)} files
        </Fact>
        <Fact label="Verified">
          <Time at={verification.at} show="absolute" />
        </Fact>
        <Fact label="How deep">{depthOf(verification)}</Fact>
      </Facts>
      {verification.problems.length > 0 && (
        <ul aria-label="Problems" className="list-disc space-y-1 ps-5 text-sm text-bad">
          {verification.problems.map((problem) => (
            <li key={problem} className="break-words">
              {problem}
            </li>
          ))}
        </ul>
      )}
      {verification.healing.map((way) => (
        <p key={way} className="text-sm">
          {sentence(way)}
        </p>
      ))}
    </div>
  );
}

function depthOf({ tier, part, parts }: ResultOf<typeof VerificationFields>): string {
  const depth = { METADATA: "Where everything is", STORED: "Stored bytes", WHOLE: "Everything, opened" }[tier];
  return part === null ? depth : `${depth}, part ${part} of ${parts}`;
}
