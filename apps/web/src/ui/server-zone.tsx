"use client";
import { createContext, type ReactNode, useContext } from "react";
import { absoluteTime, knownZone } from "#lib/format.ts";

const ServerZoneContext = createContext<string | null>(null);

interface Props {
  /** The zone of the server's own clock, as it says it (log_timezone); null: not known yet. */
  readonly zone: string | null;
  readonly children: ReactNode;
}

/** Says for all that is inside by which clock the server itself tells the time. */
export function ServerZone({ zone, children }: Props) {
  return <ServerZoneContext value={zone === null ? null : knownZone(zone)}>{children}</ServerZoneContext>;
}

/** The zone of the server that is spoken of; null: none is, or this browser does not know that zone. */
export function useServerZone(): string | null {
  return useContext(ServerZoneContext);
}

/** An instant by the server's own clock; nothing where that is not known. */
export function ServerTime({ at }: { readonly at: string | number | null | undefined }) {
  const zone = useServerZone();
  if (zone === null || at === null || at === undefined) return null;
  return (
    <span className="block text-[0.8125rem] text-muted">the server's time: {absoluteTime(new Date(at), zone)}</span>
  );
}
