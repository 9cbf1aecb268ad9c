import type { z } from "zod";

/**
 * The queues; concurrency is set per queue, so that a long backup never keeps a connection test waiting, nor does a
 * checkpoint that takes minutes (`server`).
 */
export const queueNames = [
  "backup",
  "verify",
  "restore",
  "retention",
  "drill",
  "connection",
  "server",
  "maintenance",
] as const;
export type QueueName = (typeof queueNames)[number];

/** A promise to whoever works off the queue: ids only, no DSN, no keys. */
export interface Job<Name extends string = string, Payload = unknown> {
  readonly queue: QueueName;
  readonly name: Name;
  readonly payload: z.ZodType<Payload>;
  /** The same id while one is waiting or running is dropped: ringing twice is ringing once. */
  readonly jobId: (payload: Payload) => string;
  /** How often the queue itself tries. The reconciler rings again whatever is still not done. */
  readonly attempts: number;
  readonly backoffMs: number;
}

export function defineJob<Name extends string, Payload>(job: Job<Name, Payload>): Job<Name, Payload> {
  return job;
}
