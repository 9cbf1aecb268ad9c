import type { TargetReply, TargetRequest } from "../restore/target-requests.ts";
import { TargetThread } from "../restore/target-thread.ts";
import type { VerifiedFrames, VerifyFrames } from "../verify/verify-requests.ts";
import { VerifyThread } from "../verify/verify-thread.ts";
import { serveRequests } from "./serve-requests.ts";

/**
 * The worker script of restores, which opens frames and writes them where they belong without handing bytes on, and of
 * verifications: one for both, so that the threads of one are there for the other.
 */
const target = new TargetThread();
const verification = new VerifyThread();
serveRequests<TargetRequest | VerifyFrames, TargetReply | VerifiedFrames | null>(
  {
    answer: (request) => (request.kind === "verify" ? verification.answer(request) : target.answer(request)),
    rest: () => target.rest(),
  },
  (reply) => (reply !== null && "kind" in reply && reply.kind === "compared" ? [reply.differs.buffer] : []),
);
