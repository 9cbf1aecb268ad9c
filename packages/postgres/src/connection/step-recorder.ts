import type { Clock, ErrorDescription } from "@tidemark/kit";
import { type ConnectionStep, type ConnectionStepResult, connectionSteps } from "./connection-report.ts";
import type { Remedy } from "./remedy.ts";
import type { ConnectObserver } from "./socket.ts";

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

  /** The step that is under way; the login is, as soon as the socket stands. */
  get current(): ConnectionStep {
    return this.#current;
  }

  begin(step: ConnectionStep): void {
    const from = connectionSteps.indexOf(step);
    for (const later of connectionSteps.slice(from)) this.#results.delete(later);
    this.#current = step;
    this.#startedMs = this.#clock.monotonicMs();
  }

  done(step: ConnectionStep, detail: string): void {
    this.#put({ step, state: "ok", durationMs: this.#elapsedMs(), detail });
    // Whether TLS is negotiated depends on sslmode; what follows the socket in any case is the login.
    if (step === "tcp" || step === "tls") this.#current = "login";
    this.#startedMs = this.#clock.monotonicMs();
  }

  skip(step: ConnectionStep, detail: string): void {
    this.#put({ step, state: "skipped", durationMs: 0, detail });
  }

  fail(error: ErrorDescription, remedy: Remedy | undefined): void {
    const base = {
      step: this.#current,
      state: "failed",
      durationMs: this.#elapsedMs(),
      detail: error.message,
      error,
    } as const;
    this.#put(remedy === undefined ? base : { ...base, remedy });
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
