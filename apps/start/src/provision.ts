import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { openQueues } from "@tidemark/jobs";
import { AppError, describeError, type Logger } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import type { PostgresInstallation } from "@tidemark/local-postgres";
import { type Metadata, openMetadata } from "@tidemark/metadata";
import type { StartSettings } from "./config.ts";
import type { ConsoleReport } from "./console-report.ts";
import { ensureDefaultRepository } from "./default-repository.ts";
import { startDemo } from "./demo/start-demo.ts";
import type { HomePaths } from "./home.ts";
import { type KeptCluster, keepCluster } from "./keep-cluster.ts";
import type { StopRequests } from "./stop-requests.ts";

/** What a home is given beside the three processes: a first repository, and the demo. */
export interface Provision {
  /** Sentences about what there is now. Rejects with the first thing that went wrong; the rest was still tried. */
  readonly done: Promise<readonly string[]>;
  /** Stops what is under way and the demo's trickle; the demo's server is stopped by its own entry. */
  stop(): Promise<void>;
}

export interface ProvisionDeps {
  readonly settings: StartSettings;
  readonly paths: HomePaths;
  readonly report: ConsoleReport;
  readonly stop: StopRequests;
  /** Null: no demo. */
  readonly postgres: PostgresInstallation | null;
  readonly databaseUrl: string;
  readonly addCluster: (name: string, kept: KeptCluster) => void;
}

/** Begins at once, in the background; it only needs the worker when it comes to the repository and the registration. */
export function startProvision(deps: ProvisionDeps): Provision {
  const stopping = new AbortController();
  const signal = AbortSignal.any([deps.stop.signal, stopping.signal]);
  const opened = open(deps);
  const demoParts: { stopTrickle?: () => Promise<void> } = {};
  const done = provide(deps, opened, signal, demoParts);
  return {
    done,
    async stop() {
      stopping.abort(new Error("told to stop"));
      await demoParts.stopTrickle?.();
      const { metadata, queues } = await opened;
      // What is under way may wait for the demo's server, which is stopped after us: it ends by itself then.
      await queues.close();
      await metadata.close();
    },
  };
}

async function open({ settings, paths, databaseUrl }: ProvisionDeps) {
  // Its own file: the terminal is for people.
  const logger = createLogger({
    name: "start",
    destination: createWriteStream(join(paths.logs, "start.log"), { flags: "a", mode: 0o600 }),
  });
  const metadata = openMetadata({ url: databaseUrl, logger, poolSize: 2 });
  const place = settings.redisUrl === null ? { databaseUrl } : { redisUrl: settings.redisUrl.reveal() };
  return { metadata, logger, queues: await openQueues(place, { logger, mayBeAway: true }) };
}

type Opened = Awaited<ReturnType<typeof open>>;

async function provide(
  deps: ProvisionDeps,
  opened: Promise<Opened>,
  signal: AbortSignal,
  demoParts: { stopTrickle?: () => Promise<void> },
): Promise<readonly string[]> {
  const { metadata, queues, logger } = await opened;
  const repository = ensureDefaultRepository(metadata, queues, deps.paths.repository, signal);
  const demo =
    deps.postgres === null
      ? Promise.resolve(null)
      : provideDemo(deps, { metadata, queues, logger }, deps.postgres, repository, signal);
  const [made, started] = await Promise.allSettled([repository, demo]);
  if (made.status === "rejected") throw explain("the first repository could not be made", made.reason);
  if (started.status === "rejected") throw explain("the demo could not be started", started.reason);
  if (started.value === null) return [];
  demoParts.stopTrickle = started.value.stopTrickle;
  const { registered, isNew, relocatedTo } = started.value;
  const where =
    relocatedTo === null
      ? []
      : [`  the demo server's data are in ${relocatedTo} (PostgreSQL's account cannot enter the home)`];
  if (registered && isNew)
    return ["  the demo server is registered; its first backup runs and a drill proves it", ...where];
  return registered ? ["  the demo server runs", ...where] : where;
}

async function provideDemo(
  deps: ProvisionDeps,
  {
    metadata,
    queues,
    logger,
  }: { readonly metadata: Metadata; readonly queues: Opened["queues"]; readonly logger: Logger },
  postgres: PostgresInstallation,
  repository: Promise<string | null>,
  signal: AbortSignal,
) {
  return await startDemo({
    postgres,
    paths: deps.paths,
    metadata,
    queues,
    logger,
    signal,
    repository,
    onStarted: (cluster) => deps.addCluster("demo", keepCluster("the demo server", cluster, deps.report.warn)),
  });
}

function explain(what: string, error: unknown): AppError {
  const { code, message, hint } = describeError(error);
  return new AppError(code, { message: `${what}: ${message}`, hint: hint ?? undefined, cause: error });
}
