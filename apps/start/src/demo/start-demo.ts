import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Queues } from "@tidemark/jobs";
import type { Logger } from "@tidemark/kit";
import type { PostgresInstallation, RunningCluster } from "@tidemark/local-postgres";
import type { Metadata } from "@tidemark/metadata";
import { exists, type HomePaths } from "../home.ts";
import { startDemoServer } from "./demo-server.ts";
import { startTrickle } from "./demo-trickle.ts";
import { registerDemo } from "./register-demo.ts";

export interface DemoDeps {
  readonly postgres: PostgresInstallation;
  readonly paths: HomePaths;
  readonly metadata: Metadata;
  readonly queues: Pick<Queues, "ring">;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told as soon as the server runs, so that it can be stopped while it is still being filled. */
  readonly onStarted: (cluster: RunningCluster) => void;
  /** The repository to register it with, when that is there. */
  readonly repository: Promise<string | null>;
}

export interface StartedDemo {
  readonly registered: boolean;
  readonly isNew: boolean;
  readonly relocatedTo: string | null;
  stopTrickle(): Promise<void>;
}

/** Starts the demo server (made and filled the first time) and its trickle of changes, and registers it once. */
export async function startDemo(deps: DemoDeps): Promise<StartedDemo> {
  const { postgres, paths, metadata, queues, signal } = deps;
  const server = await startDemoServer(postgres, paths, deps.onStarted);
  const trickle = startTrickle(server.shopDsn, deps.logger);
  try {
    const noted = join(paths.demo, "registered");
    const isNew = !(await exists(noted));
    const repositoryId = await deps.repository;
    const demo = { dsn: server.dsn, port: server.cluster.port, isNew, repositoryId };
    const registered = await registerDemo(metadata, queues, demo, signal);
    // From now on its absence means that somebody removed it, which is respected.
    if (isNew && registered) await writeFile(noted, "the demo was registered once\n", { mode: 0o600, flush: true });
    return { registered, isNew, relocatedTo: server.relocatedTo, stopTrickle: () => trickle.stop() };
  } catch (error) {
    await trickle.stop();
    throw error;
  }
}
