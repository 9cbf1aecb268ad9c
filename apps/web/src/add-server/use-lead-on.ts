"use client";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { graphql } from "#graphql/graphql.ts";
import { runPath } from "#lib/paths.ts";
import { request } from "#lib/request.ts";
import type { RunDetail } from "#runs/run-query.ts";

const FirstBackup = graphql(`
  query FirstBackup($id: ID!) {
    server(id: $id) {
      id
      runs(kinds: [BACKUP], first: 1) {
        nodes {
          id
        }
      }
    }
  }
`);

const askEveryMs = 500;
/** The first backup is asked for by the run that registers the server, so it is there within a moment; then the server's page is the better place. */
const patienceMs = 10_000;

/** Once the registering run has succeeded: on to the first backup's page. A member has no backup of its own. True meanwhile. */
export function useLeadOn(run: RunDetail | null, isMember: boolean): boolean {
  const router = useRouter();
  const serverId = run?.state === "SUCCEEDED" ? registeredServer(run) : null;

  useEffect(() => {
    if (serverId === null) return;
    const page = new AbortController();
    // By its id: the page is the same, and its name need not be known here.
    const fallback = `/servers/${serverId}`;
    if (isMember) return router.push(fallback);
    void leadOn(serverId, page.signal).then((path) => {
      if (!page.signal.aborted) router.push(path ?? fallback);
    });
    return () => page.abort();
  }, [serverId, isMember, router]);

  return serverId !== null;
}

/** The run that registers a server begins without one; its result names it. */
function registeredServer({ server, result }: RunDetail): string | null {
  if (server !== null) return server.id;
  const id = typeof result === "object" && result !== null && "serverId" in result ? result.serverId : null;
  return typeof id === "string" ? id : null;
}

async function leadOn(serverId: string, signal: AbortSignal): Promise<string | null> {
  for (let waitedMs = 0; waitedMs < patienceMs && !signal.aborted; waitedMs += askEveryMs) {
    const first = await request(FirstBackup, { id: serverId }, signal).then(
      (answer) => answer.server?.runs.nodes[0],
      // A moment without the api changes nothing: the next question is half a second away.
      () => undefined,
    );
    if (first !== undefined) return runPath(first.id);
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  return null;
}
