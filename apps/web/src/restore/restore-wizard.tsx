"use client";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { serverPath, withParams } from "#lib/paths.ts";
import { Stepper } from "#ui/stepper.tsx";
import { BackupStep } from "./backup-step.tsx";
import { PlanStep } from "./plan-step.tsx";
import type { LinkedTarget, RecoveryInput } from "./restore-instant.ts";
import type { RestoreChoice } from "./restore-query.ts";
import { TargetStep } from "./target-step.tsx";
import { WhenStep } from "./when-step.tsx";

const steps = ["To when", "Where", "Check, review, run"] as const;

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  readonly backups: readonly RestoreChoice[];
  readonly restoreRoots: readonly string[];
  /** From the address, so that a link leads to the same choice and the same plan. */
  readonly initial: LinkedTarget & { readonly backupId: string | null; readonly planRunId: string | null };
}

/** What is restored: a backup as it ended, or the one from which a recovery to a target begins. */
interface Chosen {
  readonly backup: RestoreChoice;
  readonly recovery: RecoveryInput | null;
}

export function RestoreWizard({ server, backups, restoreRoots, initial }: Props) {
  const router = useRouter();
  const [planRunId, setPlanRunId] = useState(initial.planRunId);
  const linked = backups.find((choice) => choice.id === initial.backupId) ?? null;
  const [chosen, setChosen] = useState<Chosen | null>(linked === null ? null : { backup: linked, recovery: null });
  const [byBackup, setByBackup] = useState(linked !== null);
  const [step, setStep] = useState(initial.planRunId !== null ? 2 : chosen !== null ? 1 : 0);
  const heading = useRef<HTMLDivElement>(null);

  const go = (next: { readonly step: number; readonly chosen: Chosen | null; readonly planRunId: string | null }) => {
    setStep(next.step);
    setChosen(next.chosen);
    setPlanRunId(next.planRunId);
    const backup = next.chosen?.recovery === null ? next.chosen.backup.id : null;
    const { at, xid, lsn, timeline } = initial;
    const target = { at, xid, lsn, inclusive: initial.inclusive ? null : "false", timeline };
    router.replace(withParams(serverPath(server, "restore"), { backup, ...target, plan: next.planRunId }), {
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
        {step === 0 && !byBackup && (
          <WhenStep
            serverId={server.id}
            initial={initial}
            newest={backups[0] ?? null}
            onChoose={(recovery, backup) => go({ step: 1, chosen: { backup, recovery }, planRunId: null })}
            onBackupInstead={() => setByBackup(true)}
          />
        )}
        {step === 0 && byBackup && (
          <BackupStep
            backups={backups}
            chosen={chosen?.backup.id ?? null}
            onChoose={(id) => {
              const backup = backups.find((one) => one.id === id);
              if (backup !== undefined) go({ step: 1, chosen: { backup, recovery: null }, planRunId: null });
            }}
            onInstantInstead={() => setByBackup(false)}
          />
        )}
        {step === 1 && chosen !== null && (
          <TargetStep
            server={server}
            backup={chosen.backup}
            recovery={chosen.recovery}
            restoreRoots={restoreRoots}
            onBack={() => go({ step: 0, chosen, planRunId: null })}
            onPlanned={(id) => go({ step: 2, chosen, planRunId: id })}
          />
        )}
        {step === 2 && planRunId !== null && (
          <PlanStep
            planRunId={planRunId}
            onBack={() => go({ step: chosen === null ? 0 : 1, chosen, planRunId: null })}
          />
        )}
      </div>
    </>
  );
}
