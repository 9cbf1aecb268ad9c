/**
 * What the command on a database's host needs. PostgreSQL waits for it to start: all that is behind the other door takes 30 MiB
 * and 0.25 s of processor time more (measured 2026-11).
 */
export { askAgent } from "./agent/agent-socket.ts";
export { servesSettings } from "./agent/agent-spool.ts";
export { startWalAgent } from "./agent/wal-agent.ts";
export { fetchWal } from "./fetch/fetch-wal.ts";
export { identityOf } from "./push/file-identity.ts";
export { PushLanes } from "./push/push-lanes.ts";
export { pushWal, type WalPushDeps } from "./push/push-wal.ts";
