import type { InputFieldBuilder } from "@pothos/core";
import type { Types } from "../builder.ts";
import { RecoveryTargetKindEnum } from "../enums.ts";

/** What names a place in a server's WAL, in every input that asks for one. */
export function recoveryTargetFields(t: InputFieldBuilder<Types, "InputObject">) {
  return {
    kind: t.field({ type: RecoveryTargetKindEnum, required: true, description: "What names the place." }),
    at: t.string({ description: "For TIME: RFC 3339 with its zone." }),
    lsn: t.string({ description: 'For LSN: as "16/B374D848".' }),
    xid: t.string({ description: "For XID: decimal text." }),
    name: t.string({ description: "For NAME: of the restore point." }),
    inclusive: t.boolean({ description: "For TIME, LSN and XID: stop behind it; true when left out." }),
    timeline: t.int({ description: "The newest reachable one when left out." }),
    ownTimeline: t.boolean({ description: "On the timeline of the backup itself; instead of `timeline`." }),
  };
}
