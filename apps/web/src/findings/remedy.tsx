import { sentence } from "#lib/format.ts";
import { CodeBlock } from "#ui/code-block.tsx";

interface RemedyProps {
  readonly remedy: {
    readonly sql: string | null;
    readonly hba: string | null;
    readonly settings: string | null;
    readonly needs: string | null;
  };
}

/** What to paste, and where, to heal what a check found; and what to do on our side instead. */
export function Remedy({ remedy }: RemedyProps) {
  return (
    <div className="mt-2 space-y-2">
      {remedy.hba !== null && <CodeBlock what="pg_hba.conf line" text={remedy.hba} />}
      {remedy.sql !== null && <CodeBlock what="SQL" text={remedy.sql} />}
      {remedy.needs !== null && <p className="text-[0.8125rem] text-muted">Takes effect after: {remedy.needs}</p>}
      {remedy.settings !== null && <p className="break-words">{sentence(remedy.settings)}</p>}
    </div>
  );
}
