"use client";
import { CircleCheck, CircleDashed } from "lucide-react";
import type { ReactNode } from "react";
import { Remedy } from "#findings/remedy.tsx";
import { severityLooks } from "#findings/severity.ts";
import type { ResultOf } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { Time } from "#ui/time.tsx";
import type { ServerCheckFields } from "./check-fields.ts";

export type ServerCheck = ResultOf<typeof ServerCheckFields>;

/** Since when a check finds what it finds. */
export interface SeenTimes {
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
}

interface Props {
  readonly check: ServerCheck;
  readonly seen?: SeenTimes | undefined;
  /** The button that looks at this one again, and what came of it. */
  readonly recheck?: ReactNode;
  readonly outcome?: ReactNode;
}

/** One check: how it stands as shape and word, what was read, required and found, why it matters, and how to mend it. */
export function CheckItem({ check, seen, recheck, outcome }: Props) {
  const found = check.state === "FOUND";
  const { icon: Icon, className, text } = lookOf(check);
  return (
    <li id={`check-${check.id}`} className="scroll-mt-20 px-4 py-3.5 target:bg-accent-tint sm:px-5">
      <div className="flex gap-3">
        <Icon aria-hidden className={`mt-0.5 size-5 shrink-0 ${className}`} />
        <div className="min-w-0 flex-1 text-sm">
          <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
            <div className="min-w-0">
              <h3 className="font-medium">{check.title}</h3>
              <p className="text-[0.8125rem] text-muted">
                <span className={`font-medium ${className}`}>{text}</span>
                {found && seen !== undefined && (
                  <>
                    {" · first seen "}
                    <Time at={seen.firstSeenAt} />
                    {" · last seen "}
                    <Time at={seen.lastSeenAt} />
                  </>
                )}
              </p>
            </div>
            {recheck}
          </div>
          {outcome}
          {found ? (
            <>
              <p className="mt-1.5 break-words">{sentence(check.why)}</p>
              <Readings check={check} />
              {check.remedy !== null && <Remedy remedy={check.remedy} />}
            </>
          ) : (
            <details className="mt-1">
              <summary className="w-fit rounded text-[0.8125rem] text-accent">What was read</summary>
              <p className="mt-1.5 break-words">{sentence(check.why)}</p>
              <Readings check={check} />
            </details>
          )}
        </div>
      </div>
    </li>
  );
}

function lookOf(check: ServerCheck) {
  if (check.state === "FOUND") return severityLooks[check.severity];
  if (check.state === "OK") return { icon: CircleCheck, className: "text-ok", text: "In order" };
  return { icon: CircleDashed, className: "text-muted", text: "Not asked" };
}

function Readings({ check }: { readonly check: ServerCheck }) {
  const rows = [
    { name: "Found", value: check.found },
    { name: "Required", value: check.required },
    { name: "Read", value: check.read },
  ].filter(({ value }) => value !== "");
  return (
    <dl className="mt-2 grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1">
      {rows.map(({ name, value }) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
