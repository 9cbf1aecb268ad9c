import { Ban, CircleCheck, CircleX } from "lucide-react";
import type { ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { Badge } from "#ui/badge.tsx";
import { CodeBlock } from "#ui/code-block.tsx";
import { Note } from "#ui/note.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import type { PrivilegesFields } from "./privileges-fields.ts";

type Privileges = ResultOf<typeof PrivilegesFields>;
type Act = Privileges["acts"][number];

const looks = {
  MISSING: { tone: "warn", icon: CircleX, text: "Missing" },
  NOT_AVAILABLE: { tone: "neutral", icon: Ban, text: "Not available" },
  ALLOWED: { tone: "ok", icon: CircleCheck, text: "Allowed" },
} as const satisfies Record<Act["state"], unknown>;

/** What asks for something first. */
const order = Object.keys(looks);

const columns = [{ name: "Act" }, { name: "May it" }, { name: "Why, and what grants it" }];

/** What the role may do, what it may besides, and the smallest role for each purpose. */
export function PrivilegesView({ privileges }: { readonly privileges: Privileges }) {
  const acts = privileges.acts.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return (
    <div className="divide-y">
      <Table label="What the role may do" columns={columns}>
        {acts.map((act) => (
          <ActRow key={act.act} act={act} />
        ))}
      </Table>
      <section aria-label="Rights beyond need" className="space-y-3 px-4 py-4 text-sm sm:px-5">
        <h3 className="font-medium">Rights beyond need</h3>
        {privileges.excess.length === 0 && <p className="text-muted">None: it has no right that nothing here uses.</p>}
        {privileges.excess.map((excess) => (
          <div key={excess.what} className="space-y-2">
            <Note kind="warn">
              <strong>{excess.what}</strong> {sentence(excess.why)}
            </Note>
            {excess.remedySql !== "" && <CodeBlock what="SQL" hint="takes it away" text={excess.remedySql} />}
          </div>
        ))}
      </section>
      <section aria-label="Smallest roles" className="space-y-3 px-4 py-4 text-sm sm:px-5">
        <h3 className="font-medium">The smallest role for each purpose</h3>
        {privileges.scripts.map((script) => (
          <details key={script.purpose} className="rounded-md border">
            <summary className="px-3.5 py-2.5">
              <span className="inline-flex flex-wrap items-center gap-x-3 gap-y-1">
                <span className="font-medium">{script.title}</span>
                <Badge tone={script.satisfied ? "ok" : "neutral"} icon={script.satisfied ? CircleCheck : CircleX}>
                  {script.satisfied ? "This role has it" : "This role lacks some of it"}
                </Badge>
              </span>
            </summary>
            <div className="px-3.5 pb-3.5">
              <CodeBlock what={`Script: ${script.title}`} text={script.sql} />
            </div>
          </details>
        ))}
      </section>
    </div>
  );
}

function ActRow({ act }: { readonly act: Act }) {
  const { tone, icon, text } = looks[act.state];
  return (
    <Row>
      <RowHeader>
        {/* The text to paste is wide; without this it would take this column's place. */}
        <span className="block md:w-56">{sentence(act.title)}</span>
      </RowHeader>
      <Cell label="May it">
        <Badge tone={tone} icon={icon}>
          {text}
        </Badge>
      </Cell>
      <Cell label={act.why === null && act.remedySql === null ? "" : "Why"}>
        {act.why !== null && <p className="break-words text-muted">{sentence(act.why)}</p>}
        {act.remedySql !== null && (
          <details className="min-w-0">
            <summary className="w-fit rounded text-accent">
              What grants it<span className="sr-only">: {act.title}</span>
            </summary>
            <div className="mt-1.5">
              <CodeBlock what={`SQL to ${act.title}`} text={act.remedySql} />
            </div>
          </details>
        )}
      </Cell>
    </Row>
  );
}
