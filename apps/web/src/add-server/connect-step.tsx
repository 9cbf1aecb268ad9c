"use client";
import { type FormEvent, useState } from "react";
import { ConnectionTestResult, canBeBackedUp } from "#connection/connection-test-result.tsx";
import { useConnectionTest } from "#connection/use-connection-test.ts";
import { isFinal } from "#runs/run-state.ts";
import { Button } from "#ui/button.tsx";
import { CodeBlock } from "#ui/code-block.tsx";
import { Actions } from "#ui/dialog.tsx";
import { TextField } from "#ui/field.tsx";
import { Panel } from "#ui/panel.tsx";
import { type ServerDraft, suggestName } from "./draft.ts";
import { DuplicateChoice } from "./duplicate-choice.tsx";

interface Props {
  readonly draft: ServerDraft;
  readonly onChange: (change: Partial<ServerDraft>) => void;
  readonly onNext: () => void;
}

/** What the parser of packages/postgres takes. */
const dsnHint =
  "A postgresql:// URL or key=value pairs, as libpq reads them: several hosts, sslmode up to verify-full, sslrootcert, client certificates, target_session_attrs, options (service and password files with the tidemark command). The password is sealed at once and never shown again.";

const roleSql = "CREATE ROLE tidemark LOGIN REPLICATION PASSWORD 'choose one';\nGRANT pg_monitor TO tidemark;";

export function ConnectStep({ draft, onChange, onNext }: Props) {
  const test = useConnectionTest();
  const [tested, setTested] = useState("");
  const run = test.watched?.run ?? null;
  const report = run?.connectionReport ?? null;
  const running = test.starting || (test.watched !== null && (run === null || !isFinal(run.state)));
  const known = report !== null && tested === draft.dsn && !running;
  const passed = known && canBeBackedUp(report);
  const duplicate = passed ? report.duplicateOf : null;
  const ready = passed && draft.name !== "" && (duplicate === null || draft.sameSystemAs !== null);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (ready) return onNext();
    setTested(draft.dsn);
    onChange({ name: draft.name === "" ? (suggestName(draft.dsn) ?? "") : draft.name, sameSystemAs: null });
    void test.start({ dsn: draft.dsn });
  };

  return (
    <form onSubmit={submit} className="space-y-5">
      <Panel title="Which server">
        <div className="space-y-4">
          <TextField
            label="Connection string"
            mono
            required
            autoFocus
            spellCheck={false}
            value={draft.dsn}
            onChange={(event) => onChange({ dsn: event.target.value.trim() })}
            placeholder="postgresql://tidemark:PASSWORD@HOST:5432/postgres"
            hint={dsnHint}
          />
          <TextField
            label="Name"
            required={passed}
            maxLength={63}
            pattern="[A-Za-z0-9][A-Za-z0-9._\-]*"
            spellCheck={false}
            value={draft.name}
            onChange={(event) => onChange({ name: event.target.value })}
            hint="As it appears on these pages: letters, digits, dots, dashes, underscores."
          />
          <details className="text-sm">
            <summary className="w-fit rounded text-accent">The role it needs</summary>
            <div className="mt-2">
              <CodeBlock what="SQL" text={roleSql} />
            </div>
          </details>
        </div>
      </Panel>
      {(test.watched !== null || test.problem !== null) && (
        <Panel title="Connection test">
          <ConnectionTestResult test={test} />
        </Panel>
      )}
      {duplicate !== null && (
        <DuplicateChoice
          duplicate={duplicate}
          chosen={draft.sameSystemAs}
          onChoose={(sameSystemAs) => onChange({ sameSystemAs })}
        />
      )}
      <Actions>
        {passed && <Button onClick={() => void test.start({ dsn: draft.dsn })}>Test again</Button>}
        <Button type="submit" tone="primary" pending={running} disabled={passed && !ready}>
          {passed ? "Next: policy" : known ? "Test again" : "Test connection"}
        </Button>
      </Actions>
    </form>
  );
}
