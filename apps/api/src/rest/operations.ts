import { backupOperations } from "./backup-operations.ts";
import { cloneOperations } from "./clone-operations.ts";
import { copyOperations } from "./copy-operations.ts";
import { inspectionOperations } from "./inspection-operations.ts";
import type { RestOperation } from "./operation.ts";
import { recoveryOperations } from "./recovery-operations.ts";
import { repositoryOperations } from "./repository-operations.ts";
import { runOperations } from "./run-operations.ts";
import { serverActOperations } from "./server-act-operations.ts";
import { serverOperations } from "./server-operations.ts";

/** All of REST: routes and the OpenAPI document are both made from this list. */
export const operations: readonly RestOperation[] = [
  ...serverOperations,
  ...inspectionOperations,
  ...serverActOperations,
  ...recoveryOperations,
  ...backupOperations,
  ...cloneOperations,
  ...copyOperations,
  ...repositoryOperations,
  ...runOperations,
];
