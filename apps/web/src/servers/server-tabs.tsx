"use client";
import { clsx } from "clsx";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useEffect, useRef } from "react";
import { words } from "#lib/format.ts";
import { serverPath, serverTabOf, serverTabs } from "#lib/paths.ts";

/** The parts of a server's page. Each has an address of its own, so these are links. */
export function ServerTabs({ server }: { readonly server: { readonly id: string; readonly name: string } }) {
  const current = serverTabOf(usePathname());
  const list = useRef<HTMLUListElement>(null);
  // On a narrow screen the tabs are scrolled sideways: the open one is to be seen.
  useEffect(() => {
    const open = list.current?.querySelector(`[data-tab="${current}"]`);
    open?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current]);
  return (
    <nav aria-label="Parts of this server" className="mb-5 overflow-x-auto border-b">
      <ul ref={list} className="flex gap-1">
        {serverTabs.map((tab) => (
          <li key={tab} data-tab={tab}>
            <Link
              href={serverPath(server, tab)}
              aria-current={tab === current ? "page" : undefined}
              className={clsx(
                "-mb-px flex min-h-10 items-center border-b-2 px-3 text-sm font-medium whitespace-nowrap max-md:min-h-11",
                tab === current ? "border-accent text-accent" : "border-transparent text-muted hover:text-text",
              )}
            >
              {tab === "drills" ? "Drills and clones" : words(tab)}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
