import { AppError, errorCodes } from "@tidemark/kit";

export interface BackOffOptions {
  /** The longest pause where trying again is all there is to do. */
  readonly longestMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * How long to wait before the next try: first a tenth of a second, so that a server that restarts is back in view at once,
 * then twice as long each time. Half of it is chance, so that many receivers that lost one server do not come back
 * together.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  #tries = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** In milliseconds. What only a person can mend is asked for up to six times less often. */
  next(error: unknown): number {
    const mendsItself = !(error instanceof AppError) || errorCodes[error.code].retry !== "never";
    const longestMs = this.#options.longestMs * (mendsItself ? 1 : 6);
    const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(this.#tries, 20));
    this.#tries++;
    return Math.round(fullMs / 2 + (this.#options.random() * fullMs) / 2);
  }

  /** Something was received. */
  reset(): void {
    this.#tries = 0;
  }
}

const firstMs = 100;
