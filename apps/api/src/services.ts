import type { Queues } from "@tidemark/jobs";
import type { Clock, Logger, Secret } from "@tidemark/kit";
import type { Metadata } from "@tidemark/metadata";
import type { Sealer } from "./sealer.ts";

/** What the bells need of the queue; the api never works anything off. */
export type Bells = Pick<Queues, "backend" | "ring" | "upsertSchedule" | "removeSchedule" | "ping">;

/** Everything the use cases are given. Only `main.ts` (and tests) construct it. */
export interface Services {
  readonly metadata: Metadata;
  readonly bells: Bells;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keys the hash of requests that may carry a secret. */
  readonly authSecret: Secret;
  /** Shown on the system page; null when the api was not told. */
  readonly home: string | null;
}
