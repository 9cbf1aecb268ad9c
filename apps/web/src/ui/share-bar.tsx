import { clsx } from "clsx";

/** How a part of a whole is drawn: tone and pattern, so that parts differ without colour, too. */
const looks = {
  solid: "bg-accent",
  tint: "bg-busy/65",
  stripes: "striped",
  empty: "bg-surface",
} as const;
export type PartLook = keyof typeof looks;

interface Part {
  readonly name: string;
  readonly look: PartLook;
  /** 0 to 1. */
  readonly share: number;
}

/** One bar whose parts add up to the whole. What it shows stands beside it in words; to a screen reader it is one picture. */
export function ShareBar({ label, parts }: { readonly label: string; readonly parts: readonly Part[] }) {
  return (
    <div role="img" aria-label={label} className="flex h-7 gap-0.5 overflow-hidden rounded-md border bg-raised">
      {parts.map(({ name, look, share }) => (
        // A part is never too thin to be seen.
        <span key={name} className={clsx("min-w-1", looks[look])} style={{ flexGrow: share, flexBasis: 0 }} />
      ))}
    </div>
  );
}

/** The same look in front of a part's name. */
export function PartSwatch({ look }: { readonly look: PartLook }) {
  return (
    <span aria-hidden className={clsx("inline-block size-3.5 shrink-0 rounded-sm border border-field", looks[look])} />
  );
}
