import { AppError } from "@tidemark/kit";

/** Ends the wait for an answer that does not come. What was asked goes on in the background; its end is not waited for. */
export class StallGuard {
  readonly #stallMs: number;

  constructor(stallMs: number) {
    this.#stallMs = stallMs;
  }

  /** Throws `storage-unreachable` when the answer takes too long. */
  async within<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `the repository did not answer for ${Math.round(this.#stallMs / 1000)} s`;
        reject(new AppError("storage-unreachable", { message }));
      }, this.#stallMs);
    });
    // Whoever is left behind may still fail; nobody listens then.
    answer.catch(() => undefined);
    try {
      return await Promise.race([answer, stalled]);
    } finally {
      clearTimeout(timer);
    }
  }
}
