import { clsx } from "clsx";
import type { ReactNode } from "react";

interface PanelProps {
  readonly title?: string;
  readonly description?: ReactNode;
  readonly action?: ReactNode;
  /** False where the content (a table) brings its own edges. */
  readonly padded?: boolean;
  readonly children: ReactNode;
}

/** A titled part of a page; a landmark named by its title. */
export function Panel({ title, description, action, padded = true, children }: PanelProps) {
  return (
    <section aria-label={title} className="min-w-0 rounded-lg border bg-surface shadow-xs">
      {title !== undefined && (
        <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b px-4 py-3 sm:px-5">
          <div className="min-w-0">
            <h2 className="text-[0.9375rem] font-semibold">{title}</h2>
            {description !== undefined && <p className="text-sm break-words text-muted">{description}</p>}
          </div>
          {action}
        </header>
      )}
      <div className={clsx(padded && "px-4 py-4 sm:px-5")}>{children}</div>
    </section>
  );
}
