import { parentPort } from "node:worker_threads";
import { systemErrorCode } from "@tidemark/kit/app-error";
import type { WorkerReply } from "./worker-threads.ts";

/** Makes this thread a member of `WorkerThreads`: each request is answered by `answer`, one after another. */
export function serveRequests<Request, Reply>(
  answer: (request: Request) => Reply,
  transferOf: (reply: Reply) => readonly ArrayBuffer[] = () => [],
): void {
  const port = parentPort;
  if (port === null) throw new Error("serveRequests is for worker threads");
  port.on("message", ({ id, request }: { readonly id: number; readonly request: Request }) => {
    try {
      const reply = answer(request);
      port.postMessage({ id, reply } satisfies WorkerReply<Reply>, [...transferOf(reply)]);
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, failure, systemCode: systemErrorCode(error) ?? null } satisfies WorkerReply<Reply>);
    }
  });
}
