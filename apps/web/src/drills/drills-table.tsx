import Link from "next/link";
import { duration, sentence } from "#lib/format.ts";
import { backupPath, evidencePath, runPath } from "#lib/paths.ts";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import { askedWords, wasRestored } from "./drill-facts.ts";
import { DrillOutcome } from "./drill-outcome.tsx";
import type { DrillRow } from "./drill-query.ts";

const columns = [
  { name: "Drill" },
  { name: "Outcome" },
  { name: "To" },
  { name: "Recovery time", align: "end" },
  { name: "Evidence" },
] as const;

export function DrillsTable({ drills }: { readonly drills: readonly DrillRow[] }) {
  return (
    <Table label="Drills" columns={columns}>
      {drills.map((run) => (
        <Row key={run.id}>
          <RowHeader>
            <Link href={runPath(run.id)} className="font-medium text-accent hover:underline">
              <Time at={run.startedAt ?? run.createdAt} show="absolute" />
            </Link>
            <span className="block text-[0.8125rem] text-muted">
              by {run.schedule === null ? run.requestedBy : "schedule"}
            </span>
          </RowHeader>
          <Cell label="Outcome">
            <DrillOutcome run={run} />
            {(run.drill?.reason ?? run.error?.message) != null && (
              <p className="mt-1 max-w-md text-[0.8125rem] break-words text-muted">
                {sentence(run.drill?.reason ?? run.error?.message ?? "")}
              </p>
            )}
          </Cell>
          <Cell label="To">
            <Reached drill={run.drill} />
          </Cell>
          <Cell label="Recovery time" align="end">
            {duration(run.drill?.rtoMs)}
          </Cell>
          <Cell label="Evidence">
            {run.drill === null ? (
              "–"
            ) : (
              <Link
                href={evidencePath(run.id)}
                aria-label={`Evidence of the drill ${run.id}`}
                className="text-accent hover:underline"
              >
                Evidence
              </Link>
            )}
          </Cell>
        </Row>
      ))}
    </Table>
  );
}

function Reached({ drill }: Pick<DrillRow, "drill">) {
  if (drill === null) return "–";
  const { recovery, backup } = drill;
  return (
    <>
      {recovery === null ? (
        wasRestored(drill) ? (
          "The end of the backup"
        ) : (
          <span className="text-muted">Not restored; asked for was {askedWords(drill.asked)}</span>
        )
      ) : recovery.reachedAt === null ? (
        sentence(recovery.sentence)
      ) : (
        <Time at={recovery.reachedAt} show="absolute" />
      )}
      {backup !== null && (
        <span className="block text-[0.8125rem] text-muted">
          from{" "}
          <Link href={backupPath(backup.id)} className="hover:underline">
            the backup of <Time at={backup.finishedAt ?? backup.startedAt} show="absolute" />
          </Link>
        </span>
      )}
    </>
  );
}
