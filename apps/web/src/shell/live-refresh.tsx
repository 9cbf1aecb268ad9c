"use client";
import { WifiOff } from "lucide-react";
import { useRouter } from "next/navigation";
import { useEffect, useState, useTransition } from "react";
import { graphql } from "#graphql/graphql.ts";
import { request } from "#lib/request.ts";
import { Time } from "#ui/time.tsx";

const Ping = graphql(`
  query Ping {
    viewer {
      name
    }
  }
`);

/**
 * Keeps a server-drawn page fresh: asks whether the api answers, and if so has the page drawn anew in place. When it
 * does not answer, what is on the page stays and says how old it is. A hidden tab asks nothing.
 */
export function LiveRefresh({ everyMs }: { readonly everyMs: number }) {
  const router = useRouter();
  const [staleSince, setStaleSince] = useState<string | null>(null);
  const [, startTransition] = useTransition();

  useEffect(() => {
    let lastFresh = new Date().toISOString();
    let asking = false;
    const refresh = async () => {
      if (asking || document.visibilityState === "hidden") return;
      asking = true;
      try {
        await request(Ping, {});
        lastFresh = new Date().toISOString();
        setStaleSince(null);
        startTransition(() => router.refresh());
      } catch {
        setStaleSince(lastFresh);
      } finally {
        asking = false;
      }
    };
    const tick = () => void refresh();
    const timer = setInterval(tick, everyMs);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [router, everyMs]);

  return (
    <div role="status" className="empty:hidden">
      {staleSince !== null && (
        <p className="mb-4 flex items-center gap-3 rounded-lg border border-warn/35 bg-warn-tint px-4 py-2.5 text-sm">
          <WifiOff aria-hidden className="size-4.5 shrink-0 text-warn" />
          <span>
            Tidemark does not answer. What you see is as of <Time at={staleSince} show="absolute" />. Trying again;
            schedules do not depend on this page.
          </span>
        </p>
      )}
    </div>
  );
}
