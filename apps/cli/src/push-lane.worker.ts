import { parentPort, workerData } from "node:worker_threads";
import { pushWal, servePushes } from "@tidemark/engine/push-lane";
import { newId } from "@tidemark/kit";
import type { Environment } from "@tidemark/kit/settings";
import { HostRepositories } from "./host-repositories.ts";
import type { HostSettings } from "./host-settings.ts";

/** What the agent gives to each of its threads. */
export interface PushLaneData {
  readonly settings: HostSettings;
  readonly environment: Environment;
}

const { settings, environment } = workerData as PushLaneData;
const repositories = new HostRepositories(settings, environment, { sealsHere: true });
const writer = newId("instance");

// Ahead of the first file. While it cannot be opened each push says so.
repositories.pushTo().catch(() => undefined);
if (parentPort === null) throw new Error("this runs in a thread of the agent");
servePushes(parentPort, async (path) => {
  const owners = await repositories.pushTo();
  return await pushWal({ owners, writer }, path, AbortSignal.timeout(settings.pushSeconds * 1000));
});
