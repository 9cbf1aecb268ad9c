"use client";
import { useState } from "react";
import { Stepper } from "#ui/stepper.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { ConnectStep } from "./connect-step.tsx";
import { type ServerDraft, startingDraft } from "./draft.ts";
import { FinishStep } from "./finish-step.tsx";
import { PolicyStep, type RepositoryChoice } from "./policy-step.tsx";

const steps = ["Connect", "Policy", "Finish"] as const;

export function AddServerWizard({ repositories }: { readonly repositories: readonly RepositoryChoice[] }) {
  const zone = useLocalZone();
  const [step, setStep] = useState(0);
  const [changes, setChanges] = useState<Partial<ServerDraft>>({});
  const draft = { ...startingDraft(repositories[0]?.id ?? "", zone), ...changes };
  const onChange = (change: Partial<ServerDraft>) => setChanges((before) => ({ ...before, ...change }));
  // A member shares the repository, policy and schedules of the server it belongs to.
  const isMember = draft.sameSystemAs === "MEMBER";
  return (
    <>
      <Stepper label="Steps to add a server" steps={steps} current={step} />
      {/* Kept while one goes on, so that the way back shows the test and does not ask for it again. */}
      <div hidden={step !== 0}>
        <ConnectStep draft={draft} onChange={onChange} onNext={() => setStep(isMember ? 2 : 1)} />
      </div>
      {step === 1 && (
        <PolicyStep
          draft={draft}
          repositories={repositories}
          onChange={onChange}
          onBack={() => setStep(0)}
          onNext={() => setStep(2)}
        />
      )}
      {step === 2 && (
        <FinishStep
          draft={draft}
          repositories={repositories}
          onBack={() => setStep(isMember ? 0 : 1)}
          onConnection={() => setStep(0)}
        />
      )}
    </>
  );
}
