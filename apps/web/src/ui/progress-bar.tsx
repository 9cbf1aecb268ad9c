interface ProgressBarProps {
  readonly label: string;
  /** 0–100, or null when the end is not known. */
  readonly percent: number | null;
  readonly valueText?: string;
}

export function ProgressBar({ label, percent, valueText }: ProgressBarProps) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent === null ? undefined : Math.round(percent)}
      aria-valuetext={valueText}
      className="h-2 w-full overflow-hidden rounded-full bg-raised ring-1 ring-line ring-inset"
    >
      <div
        className={
          percent === null
            ? "h-full w-1/4 animate-pulse rounded-full bg-accent"
            : "h-full rounded-full bg-accent transition-[width] duration-500"
        }
        style={percent === null ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}
