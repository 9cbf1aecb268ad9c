"use client";
import type { FormEvent } from "react";
import { bytes } from "#lib/format.ts";
import { RetentionFields } from "#retention/retention-fields.tsx";
import { toTargetsInput } from "#retention/target-draft.ts";
import { TargetFields } from "#retention/target-fields.tsx";
import { CronFields } from "#schedules/cron-fields.tsx";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { CheckField, SelectField } from "#ui/field.tsx";
import { Panel } from "#ui/panel.tsx";
import type { ServerDraft } from "./draft.ts";

export interface RepositoryChoice {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly freeBytes: string | null;
}

interface Props {
  readonly draft: ServerDraft;
  readonly repositories: readonly RepositoryChoice[];
  readonly onChange: (change: Partial<ServerDraft>) => void;
  readonly onBack: () => void;
  readonly onNext: () => void;
}

export function PolicyStep({ draft, repositories, onChange, onBack, onNext }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    // What cannot be read is said at its field.
    if (toTargetsInput(draft.targets) !== null) onNext();
  };
  return (
    <form onSubmit={submit} className="space-y-5">
      <Panel title="Where backups live">
        <SelectField
          label="Repository"
          value={draft.repositoryId}
          onChange={(event) => onChange({ repositoryId: event.target.value })}
          required
        >
          {repositories.map((repository) => (
            <option key={repository.id} value={repository.id}>
              {repository.name} · {repository.location}
              {repository.freeBytes !== null && ` · ${bytes(repository.freeBytes)} free`}
            </option>
          ))}
        </SelectField>
      </Panel>
      <Panel title="When to back up">
        <CronFields cron={draft.backup.cron} zone={draft.backup.zone} onChange={(backup) => onChange({ backup })} />
      </Panel>
      <Panel title="What to keep" description="A held backup is always kept; the newest usable one is never deleted.">
        <RetentionFields draft={draft.retention} onChange={(retention) => onChange({ retention })} />
      </Panel>
      <Panel title="What is promised" description="A server that does not keep to it is shown as degraded or unproven.">
        <TargetFields draft={draft.targets} onChange={(targets) => onChange({ targets })} />
      </Panel>
      <Panel title="Proof">
        <CheckField
          label="Drill every Sunday at 04:00"
          hint="Restores the newest backup to a scratch place, starts it, checks it, and throws it away. Only a drill makes a server protected."
          checked={draft.drill}
          onChange={(event) => onChange({ drill: event.target.checked })}
        />
      </Panel>
      <Actions>
        <Button onClick={onBack}>Back</Button>
        <Button type="submit" tone="primary">
          Next: finish
        </Button>
      </Actions>
    </form>
  );
}
