"use client";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { Button } from "#ui/button.tsx";
import { Actions, Dialog } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { CheckField } from "#ui/field.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { CronFields } from "./cron-fields.tsx";
import type { Schedule, scheduleKinds } from "./schedule-fields.ts";

const SetSchedule = graphql(
  `
    mutation SetSchedule($input: SetScheduleInput!) {
      setSchedule(input: $input) {
        schedule {
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

const RemoveSchedule = graphql(
  `
    mutation RemoveSchedule($input: RemoveScheduleInput!) {
      removeSchedule(input: $input) {
        removedId
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

interface Props {
  readonly serverId: string;
  readonly kind: (typeof scheduleKinds)[number];
  readonly schedule: Schedule | null;
}

export function EditSchedule(props: Props) {
  const [open, setOpen] = useState(false);
  const { kind, schedule } = props;
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title={`${kind.title} schedule`}
      description={kind.why}
      trigger={
        <Button small aria-label={`${schedule === null ? "Set" : "Change"} ${kind.title.toLowerCase()} schedule`}>
          {schedule === null ? "Set…" : "Change…"}
        </Button>
      }
    >
      <ScheduleForm {...props} onDone={() => setOpen(false)} />
    </Dialog>
  );
}

function ScheduleForm({ serverId, kind, schedule, onDone }: Props & { readonly onDone: () => void }) {
  const router = useRouter();
  const localZone = useLocalZone();
  const [when, setWhen] = useState({ cron: schedule?.cron ?? kind.usual, zone: schedule?.zone ?? localZone });
  const [enabled, setEnabled] = useState(schedule?.enabled ?? true);
  const set = useAct(SetSchedule);
  const remove = useAct(RemoveSchedule);

  const problem = set.problem ?? remove.problem;

  const finish = (payload: object | null) => {
    if (payload === null) return;
    router.refresh();
    onDone();
  };
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    finish(await set.act({ input: { serverId, kind: kind.kind, ...when, enabled } }));
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      <CronFields cron={when.cron} zone={when.zone} onChange={setWhen} />
      <CheckField
        label="On"
        hint="Off keeps the schedule but lets nothing run."
        checked={enabled}
        onChange={(event) => setEnabled(event.target.checked)}
      />
      {problem !== null && <ErrorPanel announce title="The schedule was not changed" problem={problem} />}
      <Actions>
        {schedule !== null && (
          <Button pending={remove.pending} onClick={() => void remove.act({ input: { id: schedule.id } }).then(finish)}>
            Remove schedule
          </Button>
        )}
        <Button type="submit" tone="primary" pending={set.pending}>
          Save schedule
        </Button>
      </Actions>
    </form>
  );
}
