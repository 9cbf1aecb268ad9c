"use client";
import Link from "next/link";
import { absoluteTime, bytes, plural, sentence } from "#lib/format.ts";
import { backupPath } from "#lib/paths.ts";
import { Button, LinkButton } from "#ui/button.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { useServerZone } from "#ui/server-zone.tsx";
import { Time, useLocalZone } from "#ui/time.tsx";
import type { Instant, TargetAnswer } from "./window-query.ts";

interface Props {
  readonly ms: number;
  /** Null: it is being looked up. */
  readonly answer: TargetAnswer | null;
  readonly stale: boolean;
  /** Where the backup is restored whose end is the last that can be reached; null: it is not a backup's end. */
  readonly endingBackup: string | null;
  readonly onChoose: (instant: { readonly timeline: number; readonly at: string }) => void;
}

/** One instant in every clock, the WAL around it, and what a restore to it would take. */
export function ChosenInstant({ ms, answer, stale, endingBackup, onChoose }: Props) {
  const zone = useLocalZone();
  const serverZone = useServerZone();
  const at = new Date(ms);
  return (
    <div aria-live="polite" aria-busy={stale}>
      <Facts columns={3}>
        <Fact label="Your time">{absoluteTime(at, zone)}</Fact>
        <Fact label="The server's time">{serverZone === null ? "not known" : absoluteTime(at, serverZone)}</Fact>
        <Fact label="UTC">{absoluteTime(at, "UTC")}</Fact>
        <Fact label="Last known commit then">
          {stale ? (
            // In words: text that is paled until the answer comes cannot be read meanwhile.
            "is looked up…"
          ) : answer?.commitBefore == null ? (
            "none is known"
          ) : (
            <>
              <Mono>{answer.commitBefore.lsn}</Mono>, xid {answer.commitBefore.xid}
            </>
          )}
        </Fact>
        <Fact label="From the backup of">
          {answer?.backup == null ? (
            "–"
          ) : (
            <Link href={backupPath(answer.backup.id)} className="text-accent hover:underline">
              <Time at={answer.backup.finishedAt ?? answer.backup.startedAt} show="absolute" />
            </Link>
          )}
        </Fact>
        <Fact label="WAL to replay">
          {answer === null || !answer.reachable
            ? "–"
            : answer.walSegments === 0
              ? "what the backup holds"
              : `${plural(answer.walSegments, "segment")}, ${bytes(answer.walBytes)}`}
        </Fact>
        <Fact label="First known commit after">
          {answer?.commitAfter == null ? (
            "none is known"
          ) : (
            <>
              <Mono>{answer.commitAfter.lsn}</Mono>, xid {answer.commitAfter.xid}
            </>
          )}
        </Fact>
      </Facts>
      {answer !== null && (!answer.reachable || answer.notes.length > 0) && (
        <div className="mt-4">
          <Note kind={answer.reachable ? "info" : "warn"}>
            {!answer.reachable && <p className="font-medium">{sentence(answer.sentence)}</p>}
            {answer.notes.map((note) => (
              <p key={note}>{sentence(note)}</p>
            ))}
            <div className="flex flex-wrap gap-2">
              {isAt(answer.lastReachable, ms) ? (
                endingBackup !== null && (
                  <LinkButton small href={endingBackup} className="max-sm:whitespace-normal">
                    Restore that backup…
                  </LinkButton>
                )
              ) : (
                <GoTo label="Last reachable before" instant={answer.lastReachable} onChoose={onChoose} />
              )}
              <GoTo label="First reachable after" instant={answer.nextReachable} onChoose={onChoose} />
            </div>
          </Note>
        </div>
      )}
    </div>
  );
}

/** The end of a backup that no commit follows: the instant is the chosen one, but no time leads to it. */
function isAt(instant: Instant | null, ms: number): boolean {
  return instant?.at != null && Date.parse(instant.at) === ms;
}

interface GoToProps {
  readonly label: string;
  readonly instant: Instant | null;
  readonly onChoose: Props["onChoose"];
}

function GoTo({ label, instant, onChoose }: GoToProps) {
  if (instant === null || instant.at === null) return null;
  const { timeline, at } = instant;
  return (
    <Button small className="max-sm:whitespace-normal" onClick={() => onChoose({ timeline, at })}>
      {label}: <Time at={at} show="absolute" />
    </Button>
  );
}
