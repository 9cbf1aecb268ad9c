import { clsx } from "clsx";

/** How a part of a whole is drawn: tone and pattern, so that parts differ without colour, too. */
const looks = {
  solid: "fill-accent",
  tint: "fill-busy",
  stripes: "text-ok",
  empty: "fill-transparent",
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
  const drawn = parts.filter(({ share }) => share > 0);
  let at = 0;
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox="0 0 1000 28"
      preserveAspectRatio="none"
      className="h-7 w-full rounded-md"
    >
      <title>{label}</title>
      <Stripes />
      <rect width={1000} height={28} className="fill-raised" />
      {drawn.map(({ name, look, share }) => {
        // A part is never too thin to be seen.
        const width = Math.max(4, share * 1000);
        const x = Math.min(at, 1000 - width);
        at += share * 1000;
        return <PartRect key={name} look={look} x={x} width={width} />;
      })}
    </svg>
  );
}

function PartRect({ look, x, width }: { readonly look: PartLook; readonly x: number; readonly width: number }) {
  return (
    <rect
      x={x}
      width={width}
      height={28}
      className={clsx(looks[look], "stroke-surface")}
      fill={look === "stripes" ? `url(#${stripesId})` : undefined}
      strokeWidth={2}
    />
  );
}

/** The same look in front of a part's name. */
export function PartSwatch({ look }: { readonly look: PartLook }) {
  return (
    <svg aria-hidden viewBox="0 0 14 14" className="inline-block size-3.5 shrink-0">
      <Stripes />
      <rect
        width={14}
        height={14}
        rx={3}
        className={clsx(looks[look], look === "empty" && "stroke-field")}
        fill={look === "stripes" ? `url(#${stripesId})` : undefined}
      />
    </svg>
  );
}

/** The first one in a page serves them all. */
function Stripes() {
  return (
    <defs>
      <pattern id={stripesId} width={7} height={7} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width={7} height={7} className="fill-ok-tint" />
        <rect width={3} height={7} className="fill-ok" />
      </pattern>
    </defs>
  );
}

const stripesId = "share-stripes";
