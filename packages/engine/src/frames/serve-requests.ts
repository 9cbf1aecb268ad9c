import { parentPort } from "node:worker_threads";
import { systemErrorCode } from "@tidemark/kit/app-error";
import type { WorkerReply, WorkerRequest } from "./thread-member.ts";

export interface RequestServer<Request, Reply> {
  answer(request: Request): Reply;
  /** Lets go of what it holds of the act that is over: the next request is another's. */
  rest(): void;
}

/**
 * Makes this thread a member of `WorkerThreads`: each request is answered by the server, one after another. Messages with a `kind`
 * are those of `serveFrames`, and left to it.
 */
export function serveRequests<Request, Reply>(
  server: RequestServer<Request, Reply>,
  transferOf: (reply: Reply) => readonly ArrayBuffer[] = () => [],
): void {
  const port = parentPort;
  if (port === null) throw new Error("serveRequests is for worker threads");
  const answer = (message: WorkerRequest<Request>): Reply | null => {
    if ("request" in message) return server.answer(message.request);
    server.rest();
    return null;
  };
  port.on("message", (message: WorkerRequest<Request> | { readonly kind: string }) => {
    if ("kind" in message) return;
    const { id } = message;
    try {
      const reply = answer(message);
      const transfer = reply === null ? [] : transferOf(reply);
      port.postMessage({ id, reply } satisfies WorkerReply<Reply | null>, [...transfer]);
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, failure, systemCode: systemErrorCode(error) ?? null } satisfies WorkerReply<Reply>);
    }
  });
}
