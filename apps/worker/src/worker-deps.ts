import type { Queues } from "@tidemark/jobs";
import type { Clock, Logger } from "@tidemark/kit";
import type { Metadata } from "@tidemark/metadata";
import type { WorkerSettings } from "./config.ts";
import type { StepHook } from "./kill-hook.ts";
import type { WorkerKey } from "./worker-key.ts";

/** What every part of the worker is given; built in main.ts alone. */
export interface WorkerDeps {
  readonly metadata: Metadata;
  readonly queues: Queues;
  readonly settings: WorkerSettings;
  readonly key: WorkerKey;
  readonly workerId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onStep: StepHook;
}
