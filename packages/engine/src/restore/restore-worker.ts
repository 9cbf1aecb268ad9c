import { serveRequests } from "../frames/serve-requests.ts";
import type { TargetReply, TargetRequest } from "./target-requests.ts";
import { TargetThread } from "./target-thread.ts";

/** The worker script of a restore: opens frames and writes them where they belong, in one thread, without handing bytes on. */
const target = new TargetThread();
serveRequests<TargetRequest, TargetReply>(
  (request) => target.answer(request),
  (reply) => (reply.kind === "compared" ? [reply.differs.buffer] : []),
);
