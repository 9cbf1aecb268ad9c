"use client";
import { Field } from "#ui/field.tsx";
import { type ExpectationDraft, readExpectations } from "./expectation-draft.ts";

interface Props {
  readonly draft: ExpectationDraft;
  readonly onChange: (draft: ExpectationDraft) => void;
}

/** What a drill shall find, beside what each one checks. */
export function ExpectationFields({ draft, onChange }: Props) {
  const read = readExpectations(draft);
  const errorOf = (field: keyof ExpectationDraft) => (!read.ok && read.field === field ? `${read.message}.` : null);
  return (
    <>
      <Field
        label="Expected rows"
        hint="A table in each line: shop.public.orders=1000±5%. Database, table, rows, how many more or fewer are accepted."
        error={errorOf("rows")}
      >
        {(control) => (
          <textarea
            {...control}
            className={`${control.className} py-2 font-mono`}
            rows={3}
            spellCheck={false}
            value={draft.rows}
            onChange={(event) => onChange({ ...draft, rows: event.target.value })}
          />
        )}
      </Field>
      <Field
        label="Questions in SQL"
        hint="Each begins with “-- name:”, “-- database:” and “-- expect:” (one value, or rows as JSON); then the statement, which is asked read-only."
        error={errorOf("sql")}
      >
        {(control) => (
          <textarea
            {...control}
            className={`${control.className} py-2 font-mono`}
            rows={6}
            spellCheck={false}
            placeholder={
              "-- name: nothing is negative\n-- database: shop\n-- expect: 0\nSELECT count(*) FROM invoices WHERE amount < 0"
            }
            value={draft.sql}
            onChange={(event) => onChange({ ...draft, sql: event.target.value })}
          />
        )}
      </Field>
    </>
  );
}
