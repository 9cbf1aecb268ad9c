import { ChevronRight } from "lucide-react";
import Link from "next/link";
import { Fragment, type ReactNode } from "react";

interface PageHeaderProps {
  readonly title: ReactNode;
  /** The way back up. */
  readonly trail?: readonly { readonly title: string; readonly path: string }[];
  readonly beside?: ReactNode;
  readonly description?: ReactNode;
  readonly actions?: ReactNode;
}

export function PageHeader({ title, trail = [], beside, description, actions }: PageHeaderProps) {
  return (
    <header className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        {trail.length > 0 && (
          <nav aria-label="Breadcrumb" className="mb-1 flex flex-wrap items-center gap-1 text-sm text-muted">
            {trail.map(({ title: name, path }) => (
              <Fragment key={path}>
                <Link href={path} className="rounded hover:text-text hover:underline">
                  {name}
                </Link>
                <ChevronRight aria-hidden className="size-3.5" />
              </Fragment>
            ))}
          </nav>
        )}
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
          <h1 className="text-xl font-semibold break-words sm:text-2xl">{title}</h1>
          {beside}
        </div>
        {description !== undefined && <p className="mt-1 text-sm break-words text-muted">{description}</p>}
      </div>
      {actions !== undefined && <div className="flex flex-wrap gap-2 max-sm:w-full max-sm:*:flex-1">{actions}</div>}
    </header>
  );
}
