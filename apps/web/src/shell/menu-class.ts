export const menuContentClass = "z-50 min-w-44 rounded-lg border bg-surface p-1 shadow-lg";
export const menuItemClass =
  "flex min-h-9 items-center gap-2.5 rounded-md px-2.5 text-sm outline-none select-none data-highlighted:bg-raised max-md:min-h-11";
