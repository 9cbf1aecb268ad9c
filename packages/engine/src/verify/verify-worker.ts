import { serveRequests } from "../frames/serve-requests.ts";
import type { VerifiedFrames, VerifyFrames } from "./verify-requests.ts";
import { VerifyThread } from "./verify-thread.ts";

/** The worker script of a verification. */
const thread = new VerifyThread();
serveRequests<VerifyFrames, VerifiedFrames | null>((request) => thread.answer(request));
