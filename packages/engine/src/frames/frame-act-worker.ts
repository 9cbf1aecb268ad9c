import { serveFrames } from "@tidemark/repository/serve-frames";
import { inspectPassing } from "../backup/inspect-passing.ts";
import type { TargetReply, TargetRequest } from "../restore/target-requests.ts";
import { TargetThread } from "../restore/target-thread.ts";
import type { VerifiedFrames, VerifyFrames } from "../verify/verify-requests.ts";
import { VerifyThread } from "../verify/verify-thread.ts";
import { serveRequests } from "./serve-requests.ts";

/**
 * The worker script of backups, which encodes frames and checks the pages in them while they pass; of restores, which opens frames
 * and writes them where they belong without handing bytes on; and of verifications: one for all, so that the threads of one are
 * there for the other. Two kinds took 26 MiB more at the peak of an increment that followed a restore: what V8 had for the
 * threads that were ended, it keeps for 8 seconds (measured 2026-11).
 *
 * Imports go by the narrow doors: each thread loads its modules anew, and the whole of them takes half a second and 40 MiB.
 */
serveFrames(inspectPassing);
const target = new TargetThread();
const verification = new VerifyThread();
serveRequests<TargetRequest | VerifyFrames, TargetReply | VerifiedFrames | null>(
  {
    answer: (request) => (request.kind === "verify" ? verification.answer(request) : target.answer(request)),
    rest: () => target.rest(),
  },
  (reply) => (reply !== null && "kind" in reply && reply.kind === "compared" ? [reply.differs.buffer] : []),
);
