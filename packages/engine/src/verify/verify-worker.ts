import { serveRequests } from "../frames/serve-requests.ts";
import type { VerifiedFrames, VerifyFrames } from "./verify-requests.ts";
import { verifyFrames } from "./verify-thread.ts";

/** The worker script of a verification. */
serveRequests<VerifyFrames, VerifiedFrames>(verifyFrames);
