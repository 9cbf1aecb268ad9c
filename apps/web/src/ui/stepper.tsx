import { clsx } from "clsx";
import { Check } from "lucide-react";

interface StepperProps {
  readonly label: string;
  readonly steps: readonly string[];
  readonly current: number;
}

/** Where one is in a sequence of steps. */
export function Stepper({ label, steps, current }: StepperProps) {
  return (
    <ol aria-label={label} className="mb-5 flex flex-wrap gap-x-5 gap-y-2 text-sm">
      {steps.map((title, index) => (
        <li key={title} aria-current={index === current ? "step" : undefined} className="flex items-center gap-2">
          <span
            aria-hidden
            className={clsx(
              "grid size-6 place-items-center rounded-full text-[0.8125rem] font-semibold tabular-nums",
              index === current && "bg-accent text-on-accent",
              index < current && "bg-ok-tint text-ok",
              index > current && "bg-raised text-muted",
            )}
          >
            {index < current ? <Check className="size-3.5" /> : index + 1}
          </span>
          <span className={index === current ? "font-semibold" : "text-muted"}>
            {title}
            {index < current && <span className="sr-only"> (done)</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
