"use client";
import { type FormEvent, useState } from "react";
import { graphql } from "#graphql/graphql.ts";
import { absoluteTime } from "#lib/format.ts";
import { useAct } from "#lib/use-act.ts";
import { UserErrorFields } from "#lib/user-error-fields.ts";
import { CancelRun } from "#runs/cancel-run.tsx";
import { RunInline } from "#runs/run-inline.tsx";
import { isFinal } from "#runs/run-state.ts";
import { useRun } from "#runs/use-run.ts";
import { Button } from "#ui/button.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { SelectField, TextField } from "#ui/field.tsx";
import { Panel } from "#ui/panel.tsx";
import { useLocalZone } from "#ui/time.tsx";
import { readTableName, spanAround } from "./found-moment.ts";
import { FoundMomentsView } from "./found-moments.tsx";
import type { FoundMoment } from "./found-moments-fields.ts";
import { parseZonedInstant } from "./zoned-instant.ts";

const FindMomentMutation = graphql(
  `
    mutation FindMoment($input: FindMomentInput!) {
      findMoment(input: $input) {
        run {
          id
        }
        userErrors {
          ...UserErrorFields
        }
      }
    }
  `,
  [UserErrorFields],
);

interface Props {
  readonly server: { readonly id: string; readonly name: string };
  /** Around which instant to begin with. */
  readonly aroundMs: number;
  readonly onShow: (moment: FoundMoment) => void;
}

/** Who does not know when it happened, knows what: the WAL tells which transaction took rows or tables away. */
export function FindMoment({ server, aroundMs, onShow }: Props) {
  const [runId, setRunId] = useState<string | null>(null);
  const watched = useRun(runId);
  const { act, pending, problem } = useAct(FindMomentMutation, true);
  const { run } = watched;
  const isBusy = pending || (runId !== null && (run === null || run.id !== runId || !isFinal(run.state)));

  const search = async (asked: SearchInput) => {
    const payload = await act({ input: { serverId: server.id, ...asked } });
    if (payload?.run) setRunId(payload.run.id);
  };

  return (
    <Panel
      title="Find the moment"
      description="Which transaction dropped or emptied a table, or deleted or changed many rows. The archived WAL is searched; the server is not asked."
    >
      <div className="space-y-5">
        <SearchForm aroundMs={aroundMs} busy={isBusy} onSearch={(asked) => void search(asked)} />
        {problem !== null && <ErrorPanel announce title="The search was not begun" problem={problem} />}
        {runId !== null && (
          <div className="flex flex-wrap items-start justify-between gap-3">
            <div className="min-w-0 flex-1">
              <RunInline watched={watched} what="Search" />
            </div>
            {run !== null && !isFinal(run.state) && <CancelRun run={run} />}
          </div>
        )}
        {run?.foundMoments != null && <FoundMomentsView server={server} found={run.foundMoments} onShow={onShow} />}
      </div>
    </Panel>
  );
}

interface SearchInput {
  readonly database: string;
  readonly schema?: string;
  readonly table?: string;
  readonly from: string;
  readonly to: string;
  readonly leastRows: number;
}

interface FormProps {
  readonly aroundMs: number;
  readonly busy: boolean;
  readonly onSearch: (input: SearchInput) => void;
}

function SearchForm({ aroundMs, busy, onSearch }: FormProps) {
  const zone = useLocalZone();
  const [database, setDatabase] = useState("");
  const [table, setTable] = useState("");
  const [around, setAround] = useState<string | null>(null);
  const [withinMs, setWithinMs] = useState(spans[1][1]);
  const [leastRows, setLeastRows] = useState("1000");
  const [tried, setTried] = useState(false);

  const aroundText = around ?? absoluteTime(new Date(aroundMs), zone).split(" ").slice(0, 2).join(" ");
  const instantMs = parseZonedInstant(aroundText, zone);
  const name = table.trim() === "" ? {} : readTableName(table);
  const least = /^[1-9]\d{0,8}$/.test(leastRows.trim()) ? Number(leastRows) : null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || database.trim() === "" || instantMs === null || name === null || least === null) return;
    onSearch({ database: database.trim(), ...name, ...spanAround(instantMs, withinMs), leastRows: least });
  };

  return (
    <form onSubmit={submit} noValidate className="grid items-start gap-4 sm:grid-cols-2 lg:grid-cols-3">
      <TextField
        label="Database"
        mono
        spellCheck={false}
        value={database}
        error={tried && database.trim() === "" ? "Say in which database." : null}
        onChange={(event) => setDatabase(event.target.value)}
      />
      <TextField
        label="Table"
        hint="As sales.orders, with its partitions. Empty: any."
        mono
        spellCheck={false}
        value={table}
        error={name === null ? 'Write it as orders, sales.orders or "Odd schema"."a.b".' : null}
        onChange={(event) => setTable(event.target.value)}
      />
      <TextField
        label="Many rows are"
        hint="Deleted or changed at once. Drops and TRUNCATE always count."
        inputMode="numeric"
        value={leastRows}
        error={least === null ? "Write a number from 1 on." : null}
        onChange={(event) => setLeastRows(event.target.value)}
      />
      <TextField
        label="Around when"
        hint={`By the clock of ${zone} unless an offset (+01:00) is written behind.`}
        mono
        spellCheck={false}
        value={aroundText}
        error={instantMs === null ? "Write it as 2026-11-21 14:02:31." : null}
        onChange={(event) => setAround(event.target.value)}
      />
      <SelectField
        label="Before and after"
        value={String(withinMs)}
        onChange={(event) => setWithinMs(Number(event.target.value))}
      >
        {spans.map(([title, ms]) => (
          <option key={title} value={ms}>
            {title}
          </option>
        ))}
      </SelectField>
      <div className="sm:pt-6">
        <Button type="submit" tone="primary" pending={busy}>
          Search the WAL
        </Button>
      </div>
    </form>
  );
}

const minuteMs = 60_000;
const spans: readonly [Span, Span, ...Span[]] = [
  ["5 minutes", 5 * minuteMs],
  ["30 minutes", 30 * minuteMs],
  ["2 hours", 120 * minuteMs],
  ["12 hours", 720 * minuteMs],
  ["2 days", 2 * 1440 * minuteMs],
  ["10 days", 10 * 1440 * minuteMs],
];
type Span = readonly [title: string, ms: number];
