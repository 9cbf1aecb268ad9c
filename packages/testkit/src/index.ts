export {
  findHostTool,
  findServerUser,
  freePort,
  giveTree,
  identityOf,
  type Major,
  runTool,
} from "@tidemark/local-postgres";
export { archiveModule } from "./archive-module.ts";
export { type ClaimedPort, claimPort } from "./claim-port.ts";
export { emptyQueue } from "./empty-queue.ts";
export { type FakeClock, fakeClock } from "./fake-clock.ts";
export { type FaultProxy, type Faults, faultProxy } from "./fault-proxy.ts";
export { findLeaks } from "./find-leaks.ts";
export { type AzuriteServer, azuriteServer } from "./object-servers/azurite-server.ts";
export { rgwServer } from "./object-servers/rgw-server.ts";
export type { BucketAddress, S3Server } from "./object-servers/s3-server.ts";
export { sessionCredentialsOf } from "./object-servers/session-token.ts";
export { swiftServer } from "./object-servers/swift-server.ts";
export { type RedisServer, redisServer } from "./redis-server.ts";
export { standbyOf } from "./standby.ts";
export { type TempDir, tempDir } from "./temp-dir.ts";
export { majors, postgresCacheDir, testPostgres } from "./test-postgres.ts";
export { adoptCluster, serverFolder, type TestServer, type TestServerOptions, testServer } from "./test-server.ts";
export { type WaitForOptions, waitFor } from "./wait-for.ts";
export {
  compareRows,
  type LedgerComparison,
  type LedgerEntry,
  lsnValue,
  startWriterLedger,
  type WriterLedger,
  type WriterLedgerOptions,
} from "./writer-ledger.ts";
