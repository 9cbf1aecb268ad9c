"use client";
import { clsx } from "clsx";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { destinationOf, destinations } from "./navigation.ts";

export function NavigationLinks() {
  const current = destinationOf(usePathname());
  return (
    <nav aria-label="Main" className="-mx-1 overflow-x-auto">
      <ul className="flex gap-0.5 px-1 py-1">
        {destinations.map(({ path, title, icon: Icon }) => (
          <li key={path}>
            <Link
              href={path}
              aria-current={current === path ? "page" : undefined}
              className={clsx(
                "flex min-h-9 items-center gap-2 rounded-md px-2.5 text-sm font-medium whitespace-nowrap max-md:min-h-11",
                current === path ? "bg-accent-tint text-accent" : "text-muted hover:bg-raised hover:text-text",
              )}
            >
              <Icon aria-hidden className="size-4" />
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
