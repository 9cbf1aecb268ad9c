"use client";
import { bytes, sentence } from "#lib/format.ts";
import { Button, LinkButton } from "#ui/button.tsx";
import { Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import { Time } from "#ui/time.tsx";
import { changeText, foundText, restoreBeforePath } from "./found-moment.ts";
import type { FoundMoment, FoundMoments } from "./found-moments-fields.ts";

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  readonly found: FoundMoments;
  /** Left out where there is no time line to show it on. */
  readonly onShow?: (moment: FoundMoment) => void;
}

/** What a search of the WAL found, with the way back to before each; and what it could not tell. */
export function FoundMomentsView({ server, found, onShow }: Props) {
  const { moments, limits, earlierCluster } = found;
  return (
    <div className="space-y-4">
      <p role="status" className="text-sm">
        {foundText(found)} <span className="text-muted">{bytes(found.readBytes)} of WAL were read.</span>
      </p>
      {limits.length > 0 && (
        <Note>
          {limits.map((limit) => (
            <p key={limit}>{sentence(limit)}.</p>
          ))}
        </Note>
      )}
      {earlierCluster && moments.length > 0 && (
        <Note>
          <p>This was in an earlier cluster of the server, so a restore goes by the time, not by the transaction.</p>
        </Note>
      )}
      {moments.length > 0 && (
        <ol aria-label="What was found" className="divide-y rounded-lg border">
          {moments.map((moment) => (
            <Found
              key={moment.commitLsn}
              server={server}
              moment={moment}
              earlierCluster={earlierCluster}
              onShow={earlierCluster ? undefined : onShow}
            />
          ))}
        </ol>
      )}
    </div>
  );
}

interface FoundProps {
  readonly server: Props["server"];
  readonly moment: FoundMoment;
  readonly earlierCluster: boolean;
  readonly onShow: ((moment: FoundMoment) => void) | undefined;
}

function Found({ server, moment, earlierCluster, onShow }: FoundProps) {
  const { xid, commitAt, commitLsn, timeline, restorable, changes } = moment;
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 px-4 py-3">
      <div className="min-w-0 space-y-1 text-sm">
        {changes.map((change) => (
          <p key={`${change.kind}${change.schema}.${change.table}`} className="font-medium break-words">
            {changeText(change)}
          </p>
        ))}
        <p className="text-muted">
          <Time at={commitAt} show="absolute" />, transaction <Mono>{xid}</Mono> at <Mono>{commitLsn}</Mono>, timeline{" "}
          {timeline}
        </p>
        {!restorable && (
          <p className="text-warn">
            It cannot be undone: the first backup was being taken then, and nothing earlier is there.
          </p>
        )}
      </div>
      <div className="flex flex-wrap gap-2">
        {onShow !== undefined && (
          <Button small onClick={() => onShow(moment)}>
            Show on the time line
          </Button>
        )}
        {restorable && (
          <LinkButton small tone="primary" href={restoreBeforePath(server, moment, earlierCluster)}>
            Restore to just before…
          </LinkButton>
        )}
      </div>
    </li>
  );
}
