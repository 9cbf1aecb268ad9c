import { type RedisServer, redisServer, waitFor } from "@tidemark/testkit";
import type { ChildProgram } from "../kill/child-program.ts";
import { type Product, startProduct } from "../kill/product.ts";

/** What all histories share: metadata, Redis, and two workers. */
export interface ChaosStage extends AsyncDisposable {
  readonly product: Product;
  readonly redis: RedisServer;
  /** Those that run, paused ones too. */
  workers(): readonly ChildProgram[];
  startWorker(): Promise<void>;
}

export async function chaosStage(): Promise<ChaosStage> {
  const stack = new AsyncDisposableStack();
  try {
    const redis = stack.use(await redisServer());
    const product = stack.use(await startProduct({ redisUrl: redis.url }));
    const started = [product.worker];
    const stage: Omit<ChaosStage, typeof Symbol.asyncDispose> = {
      product,
      redis,
      workers: () => started.filter((worker) => worker.isRunning()),
      async startWorker() {
        // As a supervisor does: a worker that finds no metadata or no queue when it starts ends, and is started again.
        const worker = await waitFor(() => product.startWorker(), { what: "a worker to start", everyMs: 250 });
        started.push(worker);
      },
    };
    await stage.startWorker();
    return { ...stage, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
