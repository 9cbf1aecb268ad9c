import { clsx } from "clsx";
import { CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

const kinds = {
  info: { icon: Info, className: "border-busy/30 bg-busy-tint", iconClass: "text-busy" },
  warn: { icon: TriangleAlert, className: "border-warn/35 bg-warn-tint", iconClass: "text-warn" },
  ok: { icon: CircleCheck, className: "border-ok/30 bg-ok-tint", iconClass: "text-ok" },
};

/** A remark that belongs to what is around it. */
export function Note({
  kind = "info",
  children,
}: {
  readonly kind?: keyof typeof kinds;
  readonly children: ReactNode;
}) {
  const { icon: Icon, className, iconClass } = kinds[kind];
  return (
    <div className={clsx("flex gap-3 rounded-lg border px-4 py-3 text-sm", className)}>
      <Icon aria-hidden className={clsx("mt-0.5 size-4.5 shrink-0", iconClass)} />
      <div className="min-w-0 space-y-1 break-words">{children}</div>
    </div>
  );
}
