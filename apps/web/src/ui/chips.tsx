"use client";
import { clsx } from "clsx";
import { useId } from "react";

interface ChipsProps<Value extends string> {
  readonly legend: string;
  readonly choices: readonly { readonly value: Value; readonly title: string; readonly count: number }[];
  readonly chosen: Value;
  readonly onChoose: (value: Value) => void;
}

/** One choice of a few, each with how much it shows. Radio buttons, so that arrow keys move between them. */
export function Chips<Value extends string>({ legend, choices, chosen, onChoose }: ChipsProps<Value>) {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-wrap items-center gap-1.5">
      <legend className="float-left me-2 text-[0.8125rem] text-muted">{legend}</legend>
      {choices.map(({ value, title, count }) => (
        <label
          key={value}
          className={clsx(
            "relative inline-flex min-h-8 cursor-pointer items-center gap-1.5 rounded-full border px-3 text-[0.8125rem] select-none max-md:min-h-11",
            "has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
            value === chosen
              ? "border-accent bg-accent-tint font-medium text-accent"
              : "border-field/60 hover:bg-raised",
          )}
        >
          <input
            type="radio"
            name={name}
            value={value}
            checked={value === chosen}
            onChange={() => onChoose(value)}
            // A choice of what is shown must not send the form around it.
            onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
            className="absolute inset-0 cursor-pointer opacity-0"
          />
          {title} <span className="tabular-nums">{count}</span>
        </label>
      ))}
    </fieldset>
  );
}
