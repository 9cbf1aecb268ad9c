import type { ReactNode } from "react";

/** Label and value pairs. */
export function Facts({ children, columns = 2 }: { readonly children: ReactNode; readonly columns?: 1 | 2 | 3 }) {
  const grid = { 1: "", 2: "sm:grid-cols-2", 3: "sm:grid-cols-2 lg:grid-cols-3" }[columns];
  return <dl className={`grid gap-x-8 gap-y-3.5 ${grid}`}>{children}</dl>;
}

export function Fact({
  label,
  title,
  children,
}: {
  readonly label: string;
  readonly title?: string | undefined;
  readonly children: ReactNode;
}) {
  return (
    <div className="min-w-0">
      <dt className="text-[0.8125rem] text-muted">{label}</dt>
      <dd className="mt-0.5 text-sm break-words tabular-nums" title={title}>
        {children}
      </dd>
    </div>
  );
}

export function Mono({ children }: { readonly children: ReactNode }) {
  return <code className="wrap-anywhere">{children}</code>;
}
