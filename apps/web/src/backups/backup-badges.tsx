import {
  BadgeCheck,
  CircleCheck,
  CircleDashed,
  CircleX,
  Clock,
  LoaderCircle,
  OctagonAlert,
  ShieldCheck,
  Trash2,
  Unplug,
  X,
} from "lucide-react";
import type { ResultOf } from "#graphql/graphql.ts";
import { words } from "#lib/format.ts";
import { Badge } from "#ui/badge.tsx";
import { Time } from "#ui/time.tsx";
import type { BackupRowFields } from "./backup-row-fields.ts";

type BackupRow = ResultOf<typeof BackupRowFields>;

const states = {
  RUNNING: { tone: "busy", icon: LoaderCircle, text: "Running" },
  STORED: { tone: "warn", icon: Clock, text: "Stored" },
  RESTORABLE: { tone: "ok", icon: CircleCheck, text: "Restorable" },
  FAILED: { tone: "bad", icon: CircleX, text: "Failed" },
  INTERRUPTED: { tone: "warn", icon: Unplug, text: "Interrupted" },
  DELETING: { tone: "neutral", icon: Trash2, text: "Deleting" },
  DELETED: { tone: "neutral", icon: X, text: "Deleted" },
} as const satisfies Record<BackupRow["state"], unknown>;

export function BackupStateBadge({ backup }: { readonly backup: Pick<BackupRow, "state" | "damaged"> }) {
  const { tone, icon, text } = states[backup.state];
  return (
    <span className="inline-flex flex-wrap gap-1.5">
      <Badge tone={tone} icon={icon}>
        {text}
      </Badge>
      {backup.damaged && (
        <Badge tone="bad" icon={OctagonAlert}>
          Damaged
        </Badge>
      )}
    </span>
  );
}

/** How far the backup is trusted: a failed drill, proven by a restore, verified by reading, or not yet. */
export function ProofBadge({
  backup,
}: {
  readonly backup: Pick<BackupRow, "provenAt" | "verifiedAt" | "proof" | "damaged">;
}) {
  const { proof, provenAt, verifiedAt, damaged } = backup;
  if (proof !== null && !proof.ok) {
    return (
      <Badge tone="warn" icon={OctagonAlert}>
        Drill: {words(proof.outcome)}
      </Badge>
    );
  }
  if (provenAt !== null) {
    return (
      <Badge tone="ok" icon={ShieldCheck}>
        Proven <Time at={provenAt} />
      </Badge>
    );
  }
  if (verifiedAt !== null && !damaged) {
    return (
      <Badge tone="neutral" icon={BadgeCheck}>
        Verified
      </Badge>
    );
  }
  return (
    <Badge tone="neutral" icon={CircleDashed}>
      Not proven
    </Badge>
  );
}
