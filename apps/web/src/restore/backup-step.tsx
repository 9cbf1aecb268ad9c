"use client";
import { useState } from "react";
import { ProofBadge } from "#backups/backup-badges.tsx";
import { bytes } from "#lib/format.ts";
import { Button } from "#ui/button.tsx";
import { Actions } from "#ui/dialog.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import type { RestoreChoice } from "./restore-query.ts";

interface Props {
  readonly backups: readonly RestoreChoice[];
  readonly chosen: string | null;
  readonly onChoose: (backupId: string) => void;
  /** The other way: a point in time. */
  readonly onInstantInstead: () => void;
}

export function BackupStep({ backups, chosen, onChoose, onInstantInstead }: Props) {
  const [selected, setSelected] = useState(chosen ?? backups[0]?.id ?? "");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onChoose(selected);
      }}
    >
      <Panel title="Which backup" description="The restored cluster is as the server was when the backup finished.">
        <fieldset className="max-h-112 space-y-2 overflow-y-auto p-0.5">
          <legend className="sr-only">Backup to restore</legend>
          {backups.map((backup, index) => (
            <label
              key={backup.id}
              className={`flex cursor-pointer flex-wrap items-center gap-x-3 gap-y-1 rounded-md border px-3.5 py-2.5 text-sm tabular-nums ${selected === backup.id ? "border-accent bg-accent-tint" : "hover:bg-raised"}`}
            >
              <input
                type="radio"
                name="backup"
                value={backup.id}
                checked={selected === backup.id}
                onChange={() => setSelected(backup.id)}
                className="size-4"
              />
              <span className="font-medium">
                <Time at={backup.finishedAt ?? backup.startedAt} show="absolute" />
              </span>
              <span className="text-muted">
                {bytes(backup.sizeBytes)}
                {index === 0 && " · newest"}
                {backup.label !== null && ` · ${backup.label}`}
                {backup.damaged && " · damaged"}
              </span>
              <span className="ms-auto">
                <ProofBadge backup={backup} />
              </span>
            </label>
          ))}
        </fieldset>
      </Panel>
      <Actions>
        <Button onClick={onInstantInstead}>Choose a point in time instead</Button>
        <Button type="submit" tone="primary" disabled={selected === ""}>
          Next: where
        </Button>
      </Actions>
    </form>
  );
}
