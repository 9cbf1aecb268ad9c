"use client";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { serverPath, withParams } from "#lib/paths.ts";
import { Stepper } from "#ui/stepper.tsx";
import { BackupStep } from "./backup-step.tsx";
import { PlanStep } from "./plan-step.tsx";
import type { RestoreChoice } from "./restore-query.ts";
import { TargetStep } from "./target-step.tsx";

const steps = ["Which backup", "Where", "Check, review, run"] as const;

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  readonly backups: readonly RestoreChoice[];
  readonly restoreRoots: readonly string[];
  /** From the address, so that a link leads to the same choice and the same plan. */
  readonly initial: { readonly backupId: string | null; readonly planRunId: string | null };
}

export function RestoreWizard({ server, backups, restoreRoots, initial }: Props) {
  const router = useRouter();
  const [backupId, setBackupId] = useState(initial.backupId);
  const [planRunId, setPlanRunId] = useState(initial.planRunId);
  const backup = backups.find((choice) => choice.id === backupId) ?? null;
  const [step, setStep] = useState(initial.planRunId !== null ? 2 : backup !== null ? 1 : 0);
  const heading = useRef<HTMLDivElement>(null);

  const go = (next: { readonly step: number; readonly backupId: string | null; readonly planRunId: string | null }) => {
    setStep(next.step);
    setBackupId(next.backupId);
    setPlanRunId(next.planRunId);
    router.replace(withParams(serverPath(server, "restore"), { backup: next.backupId, plan: next.planRunId }), {
      scroll: false,
    });
  };

  // Each step is a new place: the reader, and a screen reader, begin at its top. Not on arrival.
  const arrived = useRef(step);
  useEffect(() => {
    if (arrived.current !== step) heading.current?.focus();
    arrived.current = step;
  }, [step]);

  return (
    <>
      <Stepper label="Steps of the restore" steps={steps} current={step} />
      <div ref={heading} tabIndex={-1} className="outline-none">
        {step === 0 && (
          <BackupStep
            backups={backups}
            chosen={backupId}
            onChoose={(id) => go({ step: 1, backupId: id, planRunId: null })}
          />
        )}
        {step === 1 && backup !== null && (
          <TargetStep
            server={server}
            backup={backup}
            restoreRoots={restoreRoots}
            onBack={() => go({ step: 0, backupId, planRunId: null })}
            onPlanned={(id) => go({ step: 2, backupId, planRunId: id })}
          />
        )}
        {step === 2 && planRunId !== null && (
          <PlanStep
            planRunId={planRunId}
            onBack={() => go({ step: backup === null ? 0 : 1, backupId, planRunId: null })}
          />
        )}
      </div>
    </>
  );
}
