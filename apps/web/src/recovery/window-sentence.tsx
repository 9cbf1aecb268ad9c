import { Note } from "#ui/note.tsx";
import { Time } from "#ui/time.tsx";
import type { Lifetime } from "./window-query.ts";

interface Props {
  readonly lifetime: Lifetime;
  readonly wal: { readonly mode: "STREAM" | "PUSH" | "NONE"; readonly rpoSentence: string };
  readonly isNewest: boolean;
}

/** The answer before the drawing: up to when, and what would be lost now. */
export function WindowSentence({ lifetime, wal, isNewest }: Props) {
  // A gap of an ancestor is listed by each timeline that came from it.
  const places = lifetime.timelines.flatMap(({ gaps: some }) => some.map((gap) => `${gap.timeline}/${gap.fromLsn}`));
  const gaps = new Set(places).size;
  const edge = lifetime.liveEdge;
  const commit = edge?.reachable ? edge.lastCommit : null;
  const hasInstants = lifetime.timelines.some(({ stretches }) =>
    stretches.some(({ from, to }) => to.at !== null && to.at !== from.at),
  );
  const kind = gaps > 0 || (isNewest && commit === null) ? "warn" : "ok";
  return (
    <Note kind={kind}>
      {commit !== null ? (
        <p className="font-medium">
          Everything up to <Time at={commit.at} show="absolute" /> can be restored
          {gaps > 0 ? `, except ${gaps === 1 ? "one gap" : `${gaps} gaps`}` : ""}.
        </p>
      ) : (
        <p className="font-medium">
          {wal.mode === "NONE"
            ? "Its WAL is not kept: only the ends of its backups can be restored."
            : hasInstants
              ? "No commit after the newest backup is here yet: its end can be restored, and the earlier instants below."
              : "Only the ends of its backups can be restored so far: no commit after one of them is here yet."}
        </p>
      )}
      {isNewest && wal.mode !== "NONE" && <p>If the server were lost now, {wal.rpoSentence}.</p>}
    </Note>
  );
}
