import { type BoxCompression, type CompressionSetting, metadataCompression } from "../seal/compression.ts";

/** What the pipeline did while one pack was filled. Waits are those of the one sequence that feeds the encoders. */
export interface PipelineWindow {
  readonly elapsedMs: number;
  /** How long nothing could be given to the encoders because a pack was still on its way to the store. */
  readonly storeWaitMs: number;
  /** How long nothing could be given to the encoders because all of them had enough to do. */
  readonly encoderWaitMs: number;
}

/** Where `auto` stands between its bounds. A value: `nextPilotState` makes the next one. */
export interface PilotState {
  /** Index into `pilotLevels`. */
  readonly level: number;
  /** Windows in a row that spoke for going up (positive) or down (negative). */
  readonly leaning: number;
  /** Windows to let pass before the next step, since the pack in flight was made before the last one. */
  readonly settling: number;
  /** How many windows in a row must agree before going up again; doubled when a step up turned out too slow. */
  readonly patience: number;
  /** Whether the last step went up, so that a step down right after it is a lesson. */
  readonly lastStep: "up" | "down" | null;
}

/**
 * From the cheapest to the smallest, each about twice the time of the one before (MiB/s of one core, table data,
 * 2026-11: lz4 about 500, zstd 1 300, 3 200, 6 60, 9 30). Beyond zstd 9 the time doubles for 1 to 2 % of size.
 */
export const pilotLevels: readonly BoxCompression[] = [
  { codec: "lz4", level: 0 },
  { codec: "zstd", level: 1 },
  { codec: "zstd", level: 3 },
  { codec: "zstd", level: 5 },
  { codec: "zstd", level: 7 },
  { codec: "zstd", level: 9 },
];

export const startingPilot: PilotState = { level: 1, leaning: 0, settling: 0, patience: 2, lastStep: null };

/** A wait below this share of the time is no bottleneck; both below: the server's stream is the slowest, and all stays. */
const bottleneckShare = 0.15;
const mostPatience = 32;

/**
 * Follows the slower of store and encoders: up where the store keeps the pipeline waiting and more than the encoders do,
 * down where the encoders do. Two windows in a row must agree, and a step up that had to be taken back makes the next one
 * wait twice as long, so that it does not swing between two levels for ever.
 */
export function nextPilotState(state: PilotState, window: PipelineWindow): PilotState {
  if (state.settling > 0) return { ...state, settling: state.settling - 1 };
  const verdict = verdictOn(window);
  if (verdict === 0) return { ...state, leaning: 0 };
  const leaning = Math.sign(state.leaning) === verdict ? state.leaning + verdict : verdict;
  const needed = verdict > 0 ? state.patience : 2;
  const level = state.level + verdict;
  if (Math.abs(leaning) < needed || level < 0 || level >= pilotLevels.length) {
    return { ...state, leaning: Math.max(-mostPatience, Math.min(mostPatience, leaning)) };
  }
  const tookBack = verdict < 0 && state.lastStep === "up";
  const patience = tookBack ? Math.min(mostPatience, state.patience * 2) : state.patience;
  return { level, leaning: 0, settling: 1, patience, lastStep: verdict > 0 ? "up" : "down" };
}

function verdictOn({ elapsedMs, storeWaitMs, encoderWaitMs }: PipelineWindow): -1 | 0 | 1 {
  if (elapsedMs <= 0) return 0;
  const store = storeWaitMs / elapsedMs;
  const encoders = encoderWaitMs / elapsedMs;
  if (store >= bottleneckShare && store > encoders) return 1;
  if (encoders >= bottleneckShare && encoders > store) return -1;
  return 0;
}

/** Gives each frame its compression: always the same under a fixed setting, by what the pipeline does under `auto`. */
export class CompressionPilot {
  readonly #fixed: BoxCompression | null;
  #state = startingPilot;

  constructor(setting: CompressionSetting) {
    this.#fixed = fixedCompression(setting);
  }

  get compression(): BoxCompression {
    return this.#fixed ?? pilotLevels[this.#state.level] ?? metadataCompression;
  }

  /** Called once for each pack that was filled. */
  observe(window: PipelineWindow): void {
    if (this.#fixed === null) this.#state = nextPilotState(this.#state, window);
  }
}

/** Null under `auto`. */
function fixedCompression(setting: CompressionSetting): BoxCompression | null {
  switch (setting.algorithm) {
    case "zstd":
    case "gzip":
      return { codec: setting.algorithm, level: setting.level };
    case "lz4":
      return { codec: "lz4", level: 0 };
    case "none":
      return { codec: "plain", level: 0 };
    case "auto":
      return null;
  }
}

/** Adds up the waits of one backup's pipeline and cuts them into windows. Times from a monotonic clock. */
export class PipelineMeter {
  readonly #nowMs: () => number;
  readonly #onWindow: (window: PipelineWindow) => void;
  #startedMs: number;
  #storeWaitMs = 0;
  #encoderWaitMs = 0;

  constructor(nowMs: () => number, onWindow: (window: PipelineWindow) => void) {
    this.#nowMs = nowMs;
    this.#onWindow = onWindow;
    this.#startedMs = nowMs();
  }

  async waitForStore<T>(wait: Promise<T>): Promise<T> {
    const fromMs = this.#nowMs();
    try {
      return await wait;
    } finally {
      this.#storeWaitMs += this.#nowMs() - fromMs;
    }
  }

  async waitForEncoders<T>(wait: Promise<T>): Promise<T> {
    const fromMs = this.#nowMs();
    try {
      return await wait;
    } finally {
      this.#encoderWaitMs += this.#nowMs() - fromMs;
    }
  }

  /** A pack was filled: what was measured since the one before is one window. */
  packFilled(): void {
    const nowMs = this.#nowMs();
    const elapsedMs = nowMs - this.#startedMs;
    this.#onWindow({ elapsedMs, storeWaitMs: this.#storeWaitMs, encoderWaitMs: this.#encoderWaitMs });
    this.#startedMs = nowMs;
    this.#storeWaitMs = 0;
    this.#encoderWaitMs = 0;
  }
}
