import { sentence } from "#lib/format.ts";
import type { Snapshot } from "./snapshot-fields.ts";

interface Props {
  readonly snapshot: Snapshot;
  readonly section: string;
}

/** In the place of a part the role could not read: the server's reason. */
export function Unread({ snapshot, section }: Props) {
  const reason = snapshot.unreadable.find((part) => part.section === section);
  return (
    <p className="text-sm break-words text-muted">
      {reason === undefined
        ? "Not read."
        : `The role may not read this: ${sentence(reason.message)} The Readiness tab has the SQL that lets it.`}
    </p>
  );
}
