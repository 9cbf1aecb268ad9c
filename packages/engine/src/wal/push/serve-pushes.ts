import type { MessagePort } from "node:worker_threads";
import { describeError } from "@tidemark/kit";
import type { LaneAnswer, LaneRequest } from "./push-lanes.ts";
import type { PushedWal } from "./push-wal.ts";

/** The thread's side of `PushLanes`: one push after another. */
export function servePushes(port: MessagePort, push: (path: string) => Promise<PushedWal>): void {
  let turn: Promise<void> = Promise.resolve();
  port.on("message", ({ id, path }: LaneRequest) => {
    turn = turn.then(async () => port.postMessage(await answerTo(id, () => push(path))));
  });
}

async function answerTo(id: number, push: () => Promise<PushedWal>): Promise<LaneAnswer> {
  try {
    return { id, pushed: await push() };
  } catch (error) {
    return { id, error: describeError(error) };
  }
}
