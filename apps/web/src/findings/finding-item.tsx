import type { ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { checkPath, localPath } from "#lib/paths.ts";
import { LinkButton } from "#ui/button.tsx";
import { Time } from "#ui/time.tsx";
import type { FindingFields } from "./finding-fields.ts";
import { Remedy } from "./remedy.tsx";
import { severityLooks } from "./severity.ts";

type Finding = ResultOf<typeof FindingFields>;

/** What was found, why it matters, since when, and the one thing to do about it. */
export function FindingItem({ finding }: { readonly finding: Finding }) {
  const { icon: Icon, className, text } = severityLooks[finding.severity];
  return (
    <li className="flex gap-3 px-4 py-3.5 sm:px-5">
      <Icon aria-hidden className={`mt-0.5 size-5 shrink-0 ${className}`} />
      <div className="min-w-0 flex-1 text-sm">
        <p className="font-medium">{finding.title}</p>
        <p className="mt-0.5 text-muted">
          <span className={`font-medium ${className}`}>{text}</span>
          {" · since "}
          <Time at={finding.firstSeenAt} />
        </p>
        <p className="mt-1 break-words">
          Found: {finding.found}
          {finding.required !== null && <>. Needed: {finding.required}</>}
        </p>
        <p className="mt-1 break-words text-muted">{sentence(finding.why)}</p>
        {finding.remedy !== null && (
          <details className="mt-1.5" open={finding.severity === "BLOCKS_BACKUP"}>
            <summary className="w-fit rounded text-accent">How to mend it</summary>
            <Remedy remedy={finding.remedy} />
          </details>
        )}
        <p className="mt-2.5 flex flex-wrap gap-2 empty:hidden">
          {finding.recheckable && finding.server !== null && (
            <LinkButton small href={checkPath(finding.server, finding.checkId)}>
              Re-check
            </LinkButton>
          )}
          {finding.actionLabel !== null && finding.actionPath !== null && (
            <LinkButton small href={localPath(finding.actionPath)}>
              {finding.actionLabel}
            </LinkButton>
          )}
        </p>
      </div>
    </li>
  );
}
