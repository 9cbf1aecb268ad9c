import { Time } from "#ui/time.tsx";

/** The next times, in the zone of the schedule. */
export function ScheduleTimes({ times, zone }: { readonly times: readonly string[]; readonly zone: string }) {
  return (
    <ul
      aria-label="Next times"
      className="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 text-[0.8125rem] text-muted tabular-nums"
    >
      {times.map((at) => (
        <li key={at}>
          <Time at={at} show="scheduled" zone={zone} />
        </li>
      ))}
    </ul>
  );
}
