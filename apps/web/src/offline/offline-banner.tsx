import { PowerOff } from "lucide-react";
import type { ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { Time } from "#ui/time.tsx";
import type { OfflineFields } from "./offline-fields.ts";
import { SetOnline } from "./set-online.tsx";

interface Props {
  readonly serverId: string;
  readonly offline: ResultOf<typeof OfflineFields>;
}

/** Above every part of the page of a server that is set offline: who did it, when, why, and the way back. */
export function OfflineBanner({ serverId, offline }: Props) {
  return (
    <section
      aria-label="Set offline"
      className="mb-5 flex flex-wrap items-center md:flex-nowrap justify-between gap-x-6 gap-y-3 rounded-lg border border-warn/35 bg-warn-tint px-4 py-3 text-sm"
    >
      <div className="flex min-w-0 gap-3">
        <PowerOff aria-hidden className="mt-0.5 size-4.5 shrink-0 text-warn" />
        <div className="min-w-0">
          <p className="font-medium break-words">Offline: {sentence(offline.reason)}</p>
          <p className="text-muted">
            Set by {offline.by} <Time at={offline.since} />. Nothing reaches the server: no scheduled backup, no
            inspection, no act. Its backups can be verified, drilled and restored.
          </p>
        </div>
      </div>
      <SetOnline serverId={serverId} />
    </section>
  );
}
