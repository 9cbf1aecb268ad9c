"use client";
import { absoluteTime } from "#lib/format.ts";
import { useServerZone } from "./server-zone.tsx";
import { useLocalZone } from "./time.tsx";

/** One instant by every clock there is: the reader's, the server's where its zone is known, and UTC; each zone once. */
export function Clocks({ at }: { readonly at: string }) {
  const local = useLocalZone();
  const serverZone = useServerZone();
  const instant = new Date(at);
  const clocks = [
    { whose: "yours", text: absoluteTime(instant, local) },
    ...(serverZone === null ? [] : [{ whose: "the server's", text: absoluteTime(instant, serverZone) }]),
    { whose: "UTC", text: absoluteTime(instant, "UTC") },
  ];
  return (
    <dl className="flex flex-wrap gap-x-5 gap-y-1 text-[0.8125rem] text-muted">
      {clocks.map(({ whose, text }) => (
        <div key={whose} className="flex gap-1.5">
          <dt>{whose}:</dt>
          <dd className="tabular-nums" suppressHydrationWarning>
            {text}
          </dd>
        </div>
      ))}
    </dl>
  );
}
