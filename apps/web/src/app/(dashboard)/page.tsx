import { Plus } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { FindingFields } from "#findings/finding-fields.ts";
import { FindingItem } from "#findings/finding-item.tsx";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { plural } from "#lib/format.ts";
import { load } from "#lib/server-query.ts";
import { RunRowFields } from "#runs/run-fields.ts";
import { RunsTable } from "#runs/runs-table.tsx";
import { ServerRowFields } from "#servers/server-row-fields.ts";
import { ServersTable } from "#servers/servers-table.tsx";
import { LiveRefresh } from "#shell/live-refresh.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { LinkButton } from "#ui/button.tsx";
import { CodeBlock } from "#ui/code-block.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Note } from "#ui/note.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Servers" };

const Home = graphql(
  `
    query Home {
      overview {
        sentence
        needsYou {
          ...FindingFields
        }
        running {
          ...RunRowFields
        }
      }
      system {
        workers {
          alive
        }
      }
      servers(first: 100) {
        totalCount
        nodes {
          ...ServerRowFields
        }
      }
    }
  `,
  [FindingFields, RunRowFields, ServerRowFields],
);

type Finding = ResultOf<typeof FindingFields>;

const busyMs = 3000;
const calmMs = 15_000;

export default async function HomePage() {
  const loaded = await load(Home, {});
  if (!loaded.ok) return <PageProblem title="Servers" problem={loaded.problem} />;
  const { overview, servers, system } = loaded.value;
  const [urgent, notes] = sortOut(overview.needsYou);
  return (
    <>
      <LiveRefresh everyMs={overview.running.length > 0 ? busyMs : calmMs} />
      <div className="mb-6 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <h1 className="max-w-3xl text-2xl leading-snug font-semibold sm:text-[1.75rem]">
          {unbroken(overview.sentence)}
        </h1>
        {servers.totalCount > 0 && (
          <LinkButton tone="primary" href="/servers/add" className="max-sm:w-full">
            <Plus aria-hidden className="size-4" /> Add server
          </LinkButton>
        )}
      </div>
      <div className="space-y-6">
        {servers.totalCount > 0 && !system.workers.some(({ alive }) => alive) && <NoWorker />}
        <Panel title="Servers" padded={false}>
          {servers.totalCount === 0 ? <NoServer /> : <ServersTable servers={servers.nodes} />}
          {servers.totalCount > servers.nodes.length && (
            <p className="border-t px-5 py-3 text-sm text-muted">
              The first {servers.nodes.length} of {servers.totalCount} servers. The command line lists all of them:{" "}
              <code>tidemark server list</code>
            </p>
          )}
        </Panel>
        {urgent.length > 0 && (
          <Panel title="Needs you" padded={false}>
            <ul className="divide-y">
              {urgent.map((finding) => (
                <FindingItem key={finding.id} finding={finding} />
              ))}
            </ul>
            {notes.length > 0 && (
              <p className="border-t px-4 py-3 text-sm text-muted sm:px-5">
                {plural(notes.length, "note")} besides, on the servers' Readiness tabs.
              </p>
            )}
          </Panel>
        )}
        {overview.running.length > 0 && (
          <Panel title="Running now" padded={false}>
            <RunsTable runs={overview.running} showServer />
          </Panel>
        )}
      </div>
    </>
  );
}

/** A note of a readiness check asks for nothing today; it is told where its server's other checks are. */
function sortOut(findings: readonly Finding[]): readonly [urgent: readonly Finding[], notes: readonly Finding[]] {
  const isNote = (finding: Finding) => finding.recheckable && finding.severity === "NOTE";
  return [findings.filter((finding) => !isNote(finding)), findings.filter(isNote)];
}

/** Findings are the workers' to write: this is the one that nobody else says. */
function NoWorker() {
  return (
    <Note kind="warn">
      <p className="font-medium">No worker is alive: no backup is taken and no WAL is received until one runs.</p>
      <p>
        What stands below is as the last one left it. The{" "}
        <Link href="/system" className="text-accent underline">
          system page
        </Link>{" "}
        says when each was last seen, and its log says why it ended.
      </p>
    </Note>
  );
}

function NoServer() {
  return (
    <EmptyState
      title="No server is backed up yet"
      action={
        <LinkButton tone="primary" href="/servers/add">
          <Plus aria-hidden className="size-4" /> Add server
        </LinkButton>
      }
    >
      <p>Nothing is installed on the database host: a role that may replicate is enough. From a terminal:</p>
      <div className="mt-3 text-start">
        <CodeBlock
          what="command"
          text="npx tidemark server add NAME --dsn postgresql://tidemark:PASSWORD@HOST:5432/postgres"
        />
      </div>
    </EmptyState>
  );
}

/** With no line ending between a number and its unit. */
function unbroken(sentence: string): string {
  return sentence.replaceAll(/(\d) (s|min|h|d)\b/g, "$1\u00a0$2");
}
