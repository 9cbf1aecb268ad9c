import type { ActControl } from "@tidemark/engine";
import type { RunKind, RunRequest } from "@tidemark/jobs";
import type { ErrorDescription } from "@tidemark/kit";
import type { Run } from "@tidemark/metadata";
import type { WorkerDeps } from "./worker-deps.ts";

/** What a handler works with. */
export interface RunContext<K extends RunKind> {
  readonly run: Run;
  readonly request: RunRequest<K>;
  /** Signal, events and steps of the act, to be passed to the engine as they are. */
  readonly control: ActControl;
  readonly deps: WorkerDeps;
}

/**
 * How an act ended, when it came to an end by itself. What it throws becomes `failed`, or, when it was aborted,
 * `cancelled` or `interrupted`. `failed` here is for acts that failed and still have something to show.
 */
export type RunAnswer =
  | {
      readonly kind: "done";
      readonly result?: unknown;
      readonly message?: string;
      /** The server this run made, whose run it is from now on. */
      readonly serverId?: string;
    }
  | { readonly kind: "failed"; readonly error: ErrorDescription; readonly result: unknown };

/**
 * Does one kind of act. Called by one worker at a time for a run. It brings the rows it is responsible for up to date
 * before it returns or throws; the run's own row is not its business.
 */
export type RunHandler<K extends RunKind> = (context: RunContext<K>) => Promise<RunAnswer>;
