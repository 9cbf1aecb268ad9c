/**
 * What a thread of `PushLanes` needs. Each loads its modules anew, and all that is behind the other door takes 17 MiB and 0.2 s of
 * processor time more (measured 2026-11).
 */
export { WalPlaces } from "../fetch/wal-places.ts";
export { pushWal } from "./push-wal.ts";
export { servePushes } from "./serve-pushes.ts";
