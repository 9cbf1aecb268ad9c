"use client";
import { type FormEvent, useState } from "react";
import { bytes, plural, sentence } from "#lib/format.ts";
import { useQuery } from "#lib/use-query.ts";
import { Button } from "#ui/button.tsx";
import { Clocks } from "#ui/clocks.tsx";
import { Actions } from "#ui/dialog.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { CheckField, Choice, SelectField, TextField } from "#ui/field.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time, useLocalZone } from "#ui/time.tsx";
import {
  askedTarget,
  type InstantDraft,
  type LinkedTarget,
  linkedDraft,
  type RecoveryInput,
  readDraft,
  type TargetKind,
  takesInclusive,
  targetKinds,
} from "./restore-instant.ts";
import { ResolveForRestore, type RestoreAnswer, type RestoreChoice } from "./restore-query.ts";

interface Props {
  readonly serverId: string;
  readonly initial: LinkedTarget;
  /** Which tablespaces there are to ask about while the backup is not chosen yet: those of the newest one. */
  readonly newest: RestoreChoice | null;
  readonly onChoose: (recovery: RecoveryInput, backup: RestoreChoice) => void;
  /** The other way: a backup's own end, chosen from a list. */
  readonly onBackupInstead: () => void;
}

/** To when: a target of any kind, answered at once with what it would take or why it cannot be reached. */
export function WhenStep({ serverId, initial, newest, onChoose, onBackupInstead }: Props) {
  const zone = useLocalZone();
  const [draft, setDraft] = useState<Omit<InstantDraft, "zone">>(() => linkedDraft(initial));
  const change = (part: Partial<InstantDraft>) => setDraft((before) => ({ ...before, ...part }));
  const recovery = readDraft({ ...draft, zone });
  const target = typeof recovery === "string" ? { kind: "LATEST" as const } : askedTarget(recovery, initial);
  const answer = useQuery(ResolveForRestore, { serverId, target });
  const found = typeof recovery === "string" || answer.stale ? null : (answer.value?.resolveRecoveryTarget ?? null);
  const { label, hint } = targetKinds[draft.kind];

  // A transaction between a segment's first and last is known only to who reads the WAL: the plan's run does.
  const isSearched = found?.code === "target-not-located" && newest !== null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typeof recovery === "string" || found === null) return;
    if (found.reachable && found.backup !== null)
      onChoose({ ...recovery, ...(found.timeline === null ? {} : { timeline: found.timeline }) }, found.backup);
    else if (isSearched) onChoose(recovery, newest);
  };

  return (
    <form onSubmit={submit} className="space-y-5">
      <Panel
        title="To when"
        description="The restored cluster is as the server was then: what was committed later is not there."
      >
        <div className="space-y-4">
          <fieldset className="grid gap-2 sm:grid-cols-2">
            <legend className="sr-only">What names the instant</legend>
            {kinds.map((kind) => (
              <Choice
                key={kind}
                name="kind"
                value={kind}
                title={targetKinds[kind].title}
                checked={draft.kind === kind}
                onChoose={() => change({ kind, text: kind === draft.kind ? draft.text : "" })}
              />
            ))}
          </fieldset>
          {label === null ? (
            <p className="text-sm text-muted">{hint}</p>
          ) : (
            <TextField
              key={draft.kind}
              label={label}
              hint={draft.kind === "TIME" ? `${hint} Without one it is ${zone}.` : hint}
              mono
              spellCheck={false}
              value={draft.text}
              error={draft.text.trim() === "" || typeof recovery !== "string" ? null : `${recovery}.`}
              onChange={(event) => change({ text: event.target.value })}
            />
          )}
          {typeof recovery !== "string" && recovery.at != null && <Clocks at={recovery.at} />}
          {takesInclusive.has(draft.kind) && (
            <CheckField
              label="With what happened exactly then"
              hint="Without: the restore stops just before it, as to undo a transaction."
              checked={draft.inclusive}
              onChange={(event) => change({ inclusive: event.target.checked })}
            />
          )}
          <div className="grid gap-4 sm:grid-cols-2">
            <SelectField
              label="Then"
              value={draft.standby ? "STANDBY" : draft.action}
              onChange={(event) => {
                const value = event.target.value;
                change(
                  value === "STANDBY" ? { standby: true } : { standby: false, action: value as InstantDraft["action"] },
                );
              }}
            >
              <option value="PROMOTE">become a primary of its own</option>
              <option value="PAUSE">pause there, to be looked at</option>
              <option value="SHUTDOWN">shut down</option>
              {draft.kind === "LATEST" && <option value="STANDBY">go on as a standby</option>}
            </SelectField>
            <TextField
              label="Timeline"
              inputMode="numeric"
              pattern="[0-9]*"
              hint="Empty: the newest that can be reached."
              value={draft.timeline}
              onChange={(event) => change({ timeline: event.target.value.replaceAll(/\D/g, "") })}
            />
          </div>
        </div>
      </Panel>
      <div aria-live="polite">
        {found !== null &&
          (isSearched ? (
            <SearchedLater />
          ) : (
            <Answer answer={found} onTake={(at) => change({ kind: "TIME", text: at, inclusive: true })} />
          ))}
      </div>
      {answer.problem !== null && typeof recovery !== "string" && (
        <ErrorPanel title="The target could not be looked up" problem={answer.problem} />
      )}
      <Actions>
        <Button onClick={onBackupInstead}>Choose a backup instead</Button>
        <Button
          type="submit"
          tone="primary"
          pending={typeof recovery !== "string" && answer.stale}
          blockedBy={
            typeof recovery === "string"
              ? recovery
              : found !== null && !found.reachable && !isSearched
                ? sentence(found.sentence)
                : null
          }
        >
          Next: where
        </Button>
      </Actions>
    </form>
  );
}

const kinds: readonly TargetKind[] = ["TIME", "LATEST", "NAME", "XID", "LSN", "IMMEDIATE"];

function SearchedLater() {
  return (
    <Note>
      Where in the WAL that transaction is has to be searched for. Planning the restore does it, and says with which
      backup it begins.
    </Note>
  );
}

interface AnswerProps {
  readonly answer: RestoreAnswer;
  /** Another instant instead, as an RFC 3339 text. */
  readonly onTake: (at: string) => void;
}

function Answer({ answer, onTake }: AnswerProps) {
  const { reachable, backup, walSegments, walBytes, through, notes, lastReachable, nextReachable } = answer;
  return (
    <Note kind={reachable ? "ok" : "warn"}>
      {reachable && backup !== null ? (
        <p className="font-medium">
          From the backup of <Time at={backup.finishedAt ?? backup.startedAt} show="absolute" />,{" "}
          {walSegments === 0
            ? "with the WAL it holds"
            : `with ${plural(walSegments, "WAL segment")} (${bytes(walBytes)})`}
          {through?.at != null && (
            <>
              {" "}
              up to <Time at={through.at} show="absolute" />
            </>
          )}
          .
        </p>
      ) : (
        <p className="font-medium">{sentence(answer.sentence)}.</p>
      )}
      {notes.map((note) => (
        <p key={note}>{sentence(note)}</p>
      ))}
      {!reachable && (
        <div className="mt-1 flex flex-wrap gap-2">
          <TakeInstead label="The last before it" at={lastReachable?.at ?? null} onTake={onTake} />
          <TakeInstead label="The first after it" at={nextReachable?.at ?? null} onTake={onTake} />
        </div>
      )}
    </Note>
  );
}

interface TakeInsteadProps extends Pick<AnswerProps, "onTake"> {
  readonly label: string;
  readonly at: string | null;
}

function TakeInstead({ label, at, onTake }: TakeInsteadProps) {
  if (at === null) return null;
  return (
    <Button small onClick={() => onTake(at)}>
      {label}: <Time at={at} show="absolute" />
    </Button>
  );
}
