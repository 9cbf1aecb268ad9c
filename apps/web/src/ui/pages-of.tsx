import { LinkButton } from "./button.tsx";

interface PagesOfProps {
  readonly shown: number;
  readonly total: number;
  readonly noun: string;
  /** The address of the next page, or null at the end. */
  readonly nextPath: string | null;
  /** The address of the first page when this is another one. */
  readonly firstPath: string | null;
}

/** Where one is in a long list. */
export function PagesOf({ shown, total, noun, nextPath, firstPath }: PagesOfProps) {
  if (nextPath === null && firstPath === null) return null;
  return (
    <nav
      aria-label="Pages"
      className="flex flex-wrap items-center justify-between gap-3 border-t px-4 py-3 text-sm sm:px-5"
    >
      <span className="text-muted tabular-nums">
        {shown} of {total.toLocaleString("en")} {noun}
      </span>
      <span className="flex gap-2">
        {firstPath !== null && (
          <LinkButton small href={firstPath}>
            Newest
          </LinkButton>
        )}
        {nextPath !== null && (
          <LinkButton small href={nextPath}>
            Older
          </LinkButton>
        )}
      </span>
    </nav>
  );
}
