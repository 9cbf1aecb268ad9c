import type { ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { CodeBlock } from "#ui/code-block.tsx";
import type { RemedyFields } from "./remedy-fields.ts";

type RemedyText = ResultOf<typeof RemedyFields>;

/** What to paste, and where, to heal what a check found; what PostgreSQL needs to take it in; and what to change elsewhere. */
export function Remedy({ remedy }: { readonly remedy: RemedyText }) {
  const advice = remedy.advice !== null && <p className="break-words">{sentence(remedy.advice)}</p>;
  // Words beside something to paste are what else can be done; alone they are what is to be done first.
  const pasted = remedy.sql !== null || remedy.hba !== null || remedy.settings !== null;
  return (
    <div className="mt-2 space-y-2">
      {!pasted && advice}
      {remedy.sql !== null && <CodeBlock what="SQL" hint="as a superuser" text={remedy.sql} />}
      {remedy.hba !== null && <CodeBlock what="pg_hba.conf" hint="above the other lines" text={remedy.hba} />}
      {remedy.settings !== null && <CodeBlock what="postgresql.conf" text={remedy.settings} />}
      {remedy.needs !== null && <Needs needs={remedy.needs} />}
      {pasted && advice}
    </div>
  );
}

/** How the two ways of taking in a change are done on any system (documentation, "pg_ctl" and "Configuration Settings Functions"). */
function Needs({ needs }: { readonly needs: NonNullable<RemedyText["needs"]> }) {
  if (needs === "RELOAD") {
    return (
      <>
        <p className="text-[0.8125rem] text-muted">
          Takes effect after a reload; nobody is disconnected. Run this as a superuser, or <code>pg_ctl reload</code> on
          the server:
        </p>
        <CodeBlock what="Reload" text="SELECT pg_reload_conf();" />
      </>
    );
  }
  return (
    <>
      <p className="text-[0.8125rem] text-muted">
        Takes effect after a restart of PostgreSQL, which ends all sessions for a moment. On the server, with its own
        data directory (or as its service manager does it):
      </p>
      <CodeBlock what="Restart" text='pg_ctl restart -D "$PGDATA" -m fast' />
    </>
  );
}
