import { serveFrames } from "./serve-frames.ts";

/** The worker script of pools that inspect nothing. */
serveFrames();
