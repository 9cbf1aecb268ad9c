import { setTimeout as delay } from "node:timers/promises";
import type { ChildProgram } from "../kill/child-program.ts";
import type { ChaosStage } from "./chaos-stage.ts";
import { failOver, type HistoryPlace } from "./history-place.ts";
import type { Blow, PlannedBlow } from "./plan-history.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Everything that is done to a history; those to one victim one after another, all else at the same time. */
export async function strikeAll(stage: ChaosStage, place: HistoryPlace, random: SeededRandom): Promise<void> {
  const startedMs = performance.now();
  const byVictim = Map.groupBy(place.plan.blows, ({ victim }) => victim);
  const chains = [...byVictim.values()].map(async (blows) => {
    for (const blow of blows) {
      await delay(Math.max(0, blow.atMs - (performance.now() - startedMs)));
      await strike(stage, place, blow, random);
    }
  });
  // All of them end before the first failure is told: nothing is left broken behind it.
  const outcomes = await Promise.allSettled(chains);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

async function strike(stage: ChaosStage, place: HistoryPlace, blow: PlannedBlow, random: SeededRandom): Promise<void> {
  const { forMs } = blow;
  const mend = await hit(stage, place, blow, random);
  await delay(forMs);
  await mend();
}

type Mend = () => Promise<void>;

async function hit(stage: ChaosStage, place: HistoryPlace, blow: PlannedBlow, random: SeededRandom): Promise<Mend> {
  switch (blow.victim) {
    case "server":
      return await hitServer(place, blow);
    case "worker":
      return await hitWorker(stage, random.pick(stage.workers()), blow.how);
    case "agent":
      await place.agent?.kill();
      return async () => await place.agent?.start();
    case "metadata":
      await stage.product.metadataServer.kill();
      return () => stage.product.metadataServer.start();
    case "redis":
      await stage.redis.kill();
      return () => stage.redis.start();
    case "network":
      return hitNetwork(place, blow);
    case "disk":
      await place.disk.fill();
      return () => place.disk.free();
  }
}

async function hitServer(place: HistoryPlace, { how, forMs }: PlannedBlow): Promise<Mend> {
  const { server } = place.current;
  if (how === "failover") {
    await failOver(place, () => delay(forMs));
    return async () => undefined;
  }
  if (how === "kill") await server.kill();
  // A worker that stands still holds it up until its session ends (wal_sender_timeout, 10 s), and no longer.
  else await server.stop({ mode: "fast", timeoutMs: 20_000 });
  return () => server.start();
}

async function hitWorker(
  stage: ChaosStage,
  worker: ChildProgram,
  how: (Blow & { victim: "worker" })["how"],
): Promise<Mend> {
  if (how === "kill") {
    await worker.kill();
    return () => stage.startWorker();
  }
  process.kill(worker.pid, "SIGSTOP");
  return async () => void process.kill(worker.pid, "SIGCONT");
}

function hitNetwork(place: HistoryPlace, { how, afterBytes }: Blow & { victim: "network" }): Mend {
  const faults = how === "refuse" ? { refuse: true } : { [how]: how === "delayMs" ? afterBytes / 1_000 : afterBytes };
  for (const proxy of place.proxies) {
    proxy.setFaults(faults);
    if (how === "refuse") proxy.resetAll();
  }
  return async () => {
    for (const proxy of place.proxies) {
      proxy.setFaults({});
      // What stalled or lost its other end would stay so.
      proxy.resetAll();
    }
  };
}
