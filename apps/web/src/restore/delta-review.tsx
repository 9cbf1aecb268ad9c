import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, count, exactBytes, plural } from "#lib/format.ts";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Note } from "#ui/note.tsx";
import type { RestorePlanFields } from "./restore-plan-fields.ts";

type Delta = NonNullable<ResultOf<typeof RestorePlanFields>["delta"]>;

/** What a delta restore does to what is there, before anything is done. */
export function DeltaReview({ delta }: { readonly delta: Delta }) {
  return (
    <div className="space-y-4">
      <Note kind="warn">
        What is in this directory now is changed in place: where a page differs it is rewritten, and what the backup
        does not have is removed. There is no way back to it.
      </Note>
      <Facts columns={3}>
        <Fact label="Compared, and rewritten where they differ" title={exactBytes(delta.comparedBytes)}>
          {plural(delta.comparedFiles, "file")}, {bytes(delta.comparedBytes)}
        </Fact>
        <Fact label="Not there, and written whole">{plural(delta.newFiles, "file")}</Fact>
        <Fact label="Not in the backup, and removed" title={exactBytes(delta.removedBytes)}>
          {count(delta.removedCount)}, {bytes(delta.removedBytes)}
        </Fact>
      </Facts>
      {delta.removed.length > 0 && (
        <details className="text-sm">
          <summary className="w-fit rounded text-accent">What is removed</summary>
          <ul className="mt-2 max-h-64 overflow-y-auto rounded-md border px-4 py-2">
            {delta.removed.map((path) => (
              <li key={path}>
                <Mono>{path}</Mono>
              </li>
            ))}
          </ul>
          {delta.removedCount > delta.removed.length && (
            <p className="mt-1 text-muted">and {count(delta.removedCount - delta.removed.length)} more</p>
          )}
        </details>
      )}
    </div>
  );
}

export function EmptiedDatabases({ names }: { readonly names: readonly string[] }) {
  return (
    <Note kind="warn">
      Left empty: <strong>{names.join(", ")}</strong>. {names.length === 1 ? "It cannot" : "They cannot"} be connected
      to in the restored server, and can only be dropped there.
    </Note>
  );
}
