import { CheckList } from "#checks/check-list.tsx";
import { Remedy } from "#findings/remedy.tsx";
import type { ResultOf } from "#graphql/graphql.ts";
import { bytes, duration, plural } from "#lib/format.ts";
import { PrivilegesView } from "#privileges/privileges-view.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Step, StepList } from "#ui/step-list.tsx";
import type { ConnectionReportFields } from "./connection-report-fields.ts";

export type ConnectionReport = ResultOf<typeof ConnectionReportFields>;

/** A connection test, its steps told apart, what to paste to heal the one that failed, and what the login could see. */
export function ConnectionReportView({ report }: { readonly report: ConnectionReport }) {
  return (
    <div className="space-y-4">
      <StepList label="Steps of the connection test">
        {report.steps.map((step) => (
          <Step
            key={step.step}
            state={step.state}
            title={step.title}
            beside={step.durationMs === null ? undefined : duration(step.durationMs)}
          >
            {step.detail !== null && step.detail !== step.error?.message && (
              <p className="break-words text-muted">{step.detail}</p>
            )}
            {step.error !== null && (
              <p className="break-words">
                {step.error.message}
                {step.error.hint !== null && <span className="block text-muted">{step.error.hint}</span>}
                <span className="block text-[0.8125rem] text-muted">
                  Code <code>{step.error.code}</code>
                </span>
              </p>
            )}
            {step.remedy !== null && <Remedy remedy={step.remedy} />}
          </Step>
        ))}
      </StepList>
      {report.facts !== null && (
        <Facts columns={3}>
          <Fact label="PostgreSQL">{report.facts.serverVersion}</Fact>
          <Fact label="Role">{report.facts.inRecovery ? "standby" : "primary"}</Fact>
          <Fact label="Size">{bytes(report.facts.sizeBytes)}</Fact>
          <Fact label="wal_level">{report.facts.walLevel}</Fact>
          <Fact label="Page checksums">
            {{ true: "on", false: "off", null: "not known" }[`${report.facts.checksums}`]}
          </Fact>
          <Fact label="System identifier">
            <Mono>{report.facts.systemIdentifier}</Mono>
          </Fact>
        </Facts>
      )}
      {report.checks.length > 0 && (
        <section aria-label="Readiness" className="rounded-md border">
          <h3 className="border-b px-4 py-2.5 text-sm font-semibold sm:px-5">Readiness</h3>
          <CheckList checks={report.checks} />
        </section>
      )}
      {report.privileges !== null && <FoldedPrivileges privileges={report.privileges} />}
    </div>
  );
}

function FoldedPrivileges({ privileges }: { readonly privileges: NonNullable<ConnectionReport["privileges"]> }) {
  const missing = privileges.acts.filter((act) => act.state === "MISSING").length;
  return (
    <details className="rounded-md border">
      <summary className="px-4 py-2.5 text-sm sm:px-5">
        <span className="font-semibold">Privileges of {privileges.role}</span>{" "}
        <span className="text-muted">
          {missing === 0 ? "all that it could need" : `${plural(missing, "act")} it may not do`}
        </span>
      </summary>
      <div className="border-t">
        <PrivilegesView privileges={privileges} />
      </div>
    </details>
  );
}
