export interface Phase {
  readonly name: string;
  readonly startedAt: string;
  /** Null while the phase goes on. */
  readonly durationMs: number | null;
}

interface PhasedEvent {
  readonly at: string;
  readonly phase: string | null;
}

/** The phases of a run in their order, from its log. `finishedAt` ends the last one. */
export function phasesOf(events: readonly PhasedEvent[], finishedAt: string | null): Phase[] {
  const starts: { name: string; startedAt: string }[] = [];
  for (const { phase, at } of events) {
    if (phase !== null && phase !== starts.at(-1)?.name) starts.push({ name: phase, startedAt: at });
  }
  return starts.map((start, index) => {
    const end = starts[index + 1]?.startedAt ?? finishedAt;
    return { ...start, durationMs: end === null ? null : Math.max(0, Date.parse(end) - Date.parse(start.startedAt)) };
  });
}
