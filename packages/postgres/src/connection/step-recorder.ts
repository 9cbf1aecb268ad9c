import type { AppError, Clock, ErrorDescription } from "@tidemark/kit";
import { describeExpiry } from "./certificate-facts.ts";
import { type ConnectionStep, type ConnectionStepResult, connectionSteps } from "./connection-report.ts";
import type { Remedy } from "./remedy.ts";
import type { ConnectObserver } from "./socket.ts";
import type { TlsFacts } from "./tls.ts";

/** Collects the steps of a connection test. A step that begins again (another host, without TLS) counts anew. */
export class StepRecorder implements ConnectObserver {
  readonly #clock: Clock;
  readonly #results = new Map<ConnectionStep, ConnectionStepResult>();
  #current: ConnectionStep = "dns";
  #startedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** The step that is under way. */
  get current(): ConnectionStep {
    return this.#current;
  }

  begin(step: ConnectionStep): void {
    const from = connectionSteps.indexOf(step);
    for (const later of connectionSteps.slice(from)) this.#results.delete(later);
    this.#current = step;
    this.#startedMs = this.#clock.monotonicMs();
  }

  done(step: ConnectionStep, detail: string, tls?: TlsFacts): void {
    const said = tls === undefined ? detail : `${detail}; ${describeCertificate(tls, this.#clock.now())}`;
    this.#put({ step, state: "ok", durationMs: this.#elapsedMs(), detail: said });
    this.#current = following[step] ?? step;
    this.#startedMs = this.#clock.monotonicMs();
  }

  skip(step: ConnectionStep, detail: string): void {
    this.#put({ step, state: "skipped", durationMs: 0, detail });
  }

  /** Ends the step that is under way. What the server refuses after the login, it refuses the role or the database. */
  fail(error: AppError, description: ErrorDescription, remedy: Remedy | undefined): void {
    const step = this.#current === "database" && isAboutRole(error) ? "role" : this.#current;
    const base = { step, state: "failed", durationMs: this.#elapsedMs(), detail: error.message } as const;
    this.#put(remedy === undefined ? { ...base, error: description } : { ...base, error: description, remedy });
  }

  /** Every step; those that were not reached as skipped. */
  finish(): ConnectionStepResult[] {
    return connectionSteps.map(
      (step) => this.#results.get(step) ?? { step, state: "skipped", durationMs: 0, detail: "" },
    );
  }

  #put(result: ConnectionStepResult): void {
    this.#results.set(result.step, result);
  }

  #elapsedMs(): number {
    return Math.round(this.#clock.monotonicMs() - this.#startedMs);
  }
}

/** Whether TLS is negotiated depends on sslmode; what follows the socket in any case is the login. */
const following: Partial<Record<ConnectionStep, ConnectionStep>> = {
  tcp: "authentication",
  tls: "authentication",
  authentication: "database",
};

/** miscinit.c, InitializeSessionUserId: the role exists, may log in, and its connection limit is not reached. */
function isAboutRole(error: AppError): boolean {
  return error.code === "role-unknown" || error.context.routine === "InitializeSessionUserId";
}

/** `certificate of CN=db (db.example.com) by CN=Example CA, until 2027-01-01` */
function describeCertificate({ certificate }: TlsFacts, now: Date): string {
  if (certificate === null) return "the server showed no certificate";
  const names = certificate.names.length === 0 ? "" : ` (${certificate.names.join(", ")})`;
  const until = certificate.validUntil.toISOString().slice(0, 10);
  const expiry = describeExpiry(certificate, now);
  const facts = `certificate of ${certificate.subject}${names} by ${certificate.issuer}, until ${until}`;
  return expiry === null ? facts : `${facts}: ${expiry}`;
}
