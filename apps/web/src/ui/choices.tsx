"use client";
import { type ReactNode, useId } from "react";
import { Choice } from "./field.tsx";

interface Option<V extends string> {
  readonly value: V;
  readonly title: string;
  /** What it means. */
  readonly words: ReactNode;
}

interface Props<V extends string> {
  readonly legend: string;
  readonly options: readonly Option<V>[];
  readonly chosen: V | null;
  readonly onChoose: (value: V) => void;
}

/** One of several, each with a sentence about what it means. */
export function Choices<V extends string>({ legend, options, chosen, onChoose }: Props<V>) {
  // Of its own: two of the same name in one form would be one group.
  const name = useId();
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 text-sm font-medium">{legend}</legend>
      {options.map(({ value, title, words }) => (
        <Choice
          key={value}
          name={name}
          value={value}
          title={title}
          checked={chosen === value}
          onChoose={() => onChoose(value)}
        >
          {words}
        </Choice>
      ))}
    </fieldset>
  );
}
