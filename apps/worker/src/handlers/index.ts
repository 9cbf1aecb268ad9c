import type { RunHandlers } from "../execute-run.ts";
import { attachRepositoryHandler } from "./attach-repository.ts";
import { backupHandler } from "./backup.ts";
import { cloneHandler } from "./clone.ts";
import { cloneActHandler } from "./clone-act.ts";
import { collectHandler } from "./collect.ts";
import { connectionTestHandler } from "./connection-test.ts";
import { copyHandler } from "./copy.ts";
import { deleteBackupHandler } from "./delete-backup.ts";
import { drillHandler } from "./drill.ts";
import { findMomentHandler } from "./find-moment.ts";
import { inspectHandler } from "./inspect.ts";
import { markHandler } from "./mark.ts";
import { rebuildCatalogHandler } from "./rebuild-catalog.ts";
import { recoveryKitHandler } from "./recovery-kit.ts";
import { repositoryKeysHandler } from "./repository-keys.ts";
import { restoreHandler } from "./restore.ts";
import { restorePlanHandler } from "./restore-plan.ts";
import { retentionHandler } from "./retention.ts";
import { serverActHandler } from "./server-act.ts";
import { verifyHandler } from "./verify.ts";

/** Total over the kinds of runs: a new kind does not compile without its handler. */
export const handlers = {
  backup: backupHandler,
  verify: verifyHandler,
  "restore-plan": restorePlanHandler,
  restore: restoreHandler,
  retention: retentionHandler,
  "delete-backup": deleteBackupHandler,
  drill: drillHandler,
  clone: cloneHandler,
  "clone-act": cloneActHandler,
  "find-moment": findMomentHandler,
  mark: markHandler,
  "connection-test": connectionTestHandler,
  "attach-repository": attachRepositoryHandler,
  "recovery-kit": recoveryKitHandler,
  "repository-keys": repositoryKeysHandler,
  collect: collectHandler,
  inspect: inspectHandler,
  "server-act": serverActHandler,
  copy: copyHandler,
  "rebuild-catalog": rebuildCatalogHandler,
} satisfies RunHandlers;
