"use client";
import { useState } from "react";
import { count } from "#lib/format.ts";
import { Mono } from "#ui/facts.tsx";
import { SelectField, TextField } from "#ui/field.tsx";
import { CloneActDialog } from "./clone-act-dialog.tsx";
import { ExtractFromClone } from "./clone-query.ts";
import { useCloneAct } from "./use-clone-act.ts";

interface Props {
  readonly cloneId: string;
  readonly hostname: string | null;
  readonly blockedBy: string | null;
}

/** A table as it was then, as a file. */
export function ExtractTable({ cloneId, hostname, blockedBy }: Props) {
  const act = useCloneAct(ExtractFromClone);
  const [database, setDatabase] = useState("");
  const [schema, setSchema] = useState("public");
  const [table, setTable] = useState("");
  const [format, setFormat] = useState<"CSV" | "SQL">("CSV");
  return (
    <CloneActDialog
      act={act}
      opens="Extract table…"
      blockedBy={blockedBy}
      title="Extract a table"
      description={`Into a file on the machine the clone runs on${hostname === null ? "" : ` (${hostname})`}. The file stays when the clone goes.`}
      does="Extract"
      start={
        database === "" || schema === "" || table === ""
          ? "Name database, schema and table"
          : () => act.start({ input: { id: cloneId, database, schema, table, format } })
      }
      outcome={({ result }) => <Extracted result={result} hostname={hostname} />}
    >
      <TextField
        label="Database"
        mono
        spellCheck={false}
        required
        value={database}
        onChange={(event) => setDatabase(event.target.value)}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label="Schema"
          mono
          spellCheck={false}
          required
          value={schema}
          onChange={(event) => setSchema(event.target.value)}
        />
        <TextField
          label="Table"
          mono
          spellCheck={false}
          required
          value={table}
          onChange={(event) => setTable(event.target.value)}
        />
      </div>
      <SelectField label="As" value={format} onChange={(event) => setFormat(event.target.value as typeof format)}>
        <option value="CSV">CSV, with a line of names</option>
        <option value="SQL">SQL that makes the table again and fills it</option>
      </SelectField>
    </CloneActDialog>
  );
}

function Extracted({ result, hostname }: { readonly result: unknown; readonly hostname: string | null }) {
  const { extract } = (result ?? {}) as { readonly extract?: { readonly path: string; readonly rows: number } | null };
  if (extract == null) return <p>It was extracted; the run says where to.</p>;
  return (
    <p>
      {count(extract.rows)} rows are in <Mono>{extract.path}</Mono>
      {hostname !== null && ` on ${hostname}`}.
    </p>
  );
}
