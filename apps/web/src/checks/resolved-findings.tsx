import { severityLooks } from "#findings/severity.ts";
import { graphql, type ResultOf } from "#graphql/graphql.ts";
import { plural } from "#lib/format.ts";
import { Badge } from "#ui/badge.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";

export const ResolvedFindingFields = graphql(`
  fragment ResolvedFindingFields on Finding {
    id
    checkId
    severity
    title
    found
    firstSeenAt
    lastSeenAt
    resolvedAt
  }
`);

type Finding = ResultOf<typeof ResolvedFindingFields>;

const columns = [{ name: "Finding" }, { name: "Severity" }, { name: "First seen" }, { name: "Mended" }];
/** Enough to see what comes and goes; the api has all of them. */
const shownFindings = 50;

/** What was found once and is mended: folded, because it asks for nothing. */
export function ResolvedFindings({ findings }: { readonly findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  const shown = findings.slice(0, shownFindings);
  return (
    <Panel title="Mended" padded={false}>
      <details>
        <summary className="px-4 py-3 text-sm text-accent sm:px-5">
          {plural(findings.length, "finding")} that {findings.length === 1 ? "is" : "are"} mended
          {shown.length < findings.length && `, the newest ${shownFindings} shown`}
        </summary>
        <Table label="Mended findings" columns={columns}>
          {shown.map((finding) => (
            <Row key={finding.id}>
              <RowHeader>
                <span className="font-medium">{finding.title}</span>
                <span className="block text-[0.8125rem] break-words text-muted">{finding.found}</span>
              </RowHeader>
              <Cell label="Severity">
                <Badge tone={severityLooks[finding.severity].tone} icon={severityLooks[finding.severity].icon}>
                  {severityLooks[finding.severity].text}
                </Badge>
              </Cell>
              <Cell label="First seen">
                <Time at={finding.firstSeenAt} />
              </Cell>
              <Cell label="Mended">
                <Time at={finding.resolvedAt} />
              </Cell>
            </Row>
          ))}
        </Table>
      </details>
    </Panel>
  );
}
