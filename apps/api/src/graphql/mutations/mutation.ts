import { applyRetention } from "../../use-cases/apply-retention.ts";
import {
  annotateBackup,
  holdBackup,
  releaseBackup,
  takeBackup,
  verifyArea,
  verifyBackup,
} from "../../use-cases/backups.ts";
import { deleteBackup } from "../../use-cases/delete-backup.ts";
import { createPolicy, updatePolicy } from "../../use-cases/policies.ts";
import { addRepository, confirmRecoveryKit, requestRecoveryKit } from "../../use-cases/repositories.ts";
import { planRestore, runRestore } from "../../use-cases/restore.ts";
import { cancelRun } from "../../use-cases/runs.ts";
import { removeSchedule, setSchedule } from "../../use-cases/schedules.ts";
import { addServer, removeServer, testConnection, updateServer } from "../../use-cases/servers.ts";
import { createApiToken, revokeApiToken } from "../../use-cases/tokens.ts";
import { builder } from "../builder.ts";
import {
  AnnotateBackupInput,
  DeleteBackupInput,
  HoldBackupInput,
  ReleaseBackupInput,
  TakeBackupInput,
  VerifyAreaInput,
  VerifyBackupInput,
} from "./backup-inputs.ts";
import { mutation } from "./define-mutation.ts";
import * as payloads from "./payloads.ts";
import { ApplyRetentionInput, CreatePolicyInput, UpdatePolicyInput } from "./policy-inputs.ts";
import { AddServerInput, RemoveServerInput, TestConnectionInput, UpdateServerInput } from "./registration-inputs.ts";
import { AddRepositoryInput, ConfirmRecoveryKitInput, RequestRecoveryKitInput } from "./repository-inputs.ts";
import { PlanRestoreInput, RunRestoreInput } from "./restore-inputs.ts";
import { CancelRunInput } from "./run-inputs.ts";
import { RemoveScheduleInput, SetScheduleInput } from "./schedule-inputs.ts";
import { CreateApiTokenInput, RevokeApiTokenInput } from "./token-inputs.ts";

builder.mutationType({
  description: "Everything that can be done. Each answers at once; long work is a run. Each writes an audit row.",
});

mutation(
  "testConnection",
  "Starts a connection test run; dsn tests text that is not stored (sealed at once), serverId what is.",
  TestConnectionInput,
  payloads.TestConnectionPayload,
  testConnection,
);
mutation(
  "addServer",
  "Tests the connection and registers the server when it succeeds.",
  AddServerInput,
  payloads.AddServerPayload,
  addServer,
);
mutation(
  "updateServer",
  "Changes a server's name, policy, backup method or connection.",
  UpdateServerInput,
  payloads.UpdateServerPayload,
  updateServer,
);
mutation(
  "removeServer",
  "Forgets a server; its backups stay in the repository.",
  RemoveServerInput,
  payloads.RemoveServerPayload,
  removeServer,
);
mutation("takeBackup", "Takes a backup.", TakeBackupInput, payloads.TakeBackupPayload, takeBackup);
mutation(
  "verifyBackup",
  "Reads everything a backup consists of and compares.",
  VerifyBackupInput,
  payloads.VerifyBackupPayload,
  verifyBackup,
);
mutation(
  "verifyArea",
  "Verifies every backup a server has in a repository, each pack once for all that share it.",
  VerifyAreaInput,
  payloads.VerifyAreaPayload,
  verifyArea,
);
mutation(
  "deleteBackup",
  "Plan → show → execute: without planHash it answers with the plan only (run is null); with the plan's hash it starts the run, or refuses with plan-stale.",
  DeleteBackupInput,
  payloads.DeleteBackupPayload,
  deleteBackup,
);
mutation(
  "holdBackup",
  "Keeps a backup from being deleted, by anybody and anything.",
  HoldBackupInput,
  payloads.HoldBackupPayload,
  holdBackup,
);
mutation("releaseBackup", "Ends a hold.", ReleaseBackupInput, payloads.ReleaseBackupPayload, releaseBackup);
mutation(
  "annotateBackup",
  "Writes a note on a backup.",
  AnnotateBackupInput,
  payloads.AnnotateBackupPayload,
  annotateBackup,
);
mutation(
  "planRestore",
  "Plans a restore on a worker: pre-flight checks, bytes, files. The run's result is a RestorePlan.",
  PlanRestoreInput,
  payloads.PlanRestorePayload,
  planRestore,
);
mutation(
  "runRestore",
  "Executes the plan of a finished plan run.",
  RunRestoreInput,
  payloads.RunRestorePayload,
  runRestore,
);
mutation(
  "applyRetention",
  "Executes a retention preview, or refuses with plan-stale.",
  ApplyRetentionInput,
  payloads.ApplyRetentionPayload,
  applyRetention,
);
mutation("cancelRun", "Asks a run to stop.", CancelRunInput, payloads.CancelRunPayload, cancelRun);
mutation(
  "setSchedule",
  "Makes or changes a server's schedule of a kind.",
  SetScheduleInput,
  payloads.SetSchedulePayload,
  setSchedule,
);
mutation("removeSchedule", "Removes a schedule.", RemoveScheduleInput, payloads.RemoveSchedulePayload, removeSchedule);
mutation("createPolicy", "Makes a retention policy.", CreatePolicyInput, payloads.CreatePolicyPayload, createPolicy);
mutation(
  "updatePolicy",
  "Changes a retention policy, for every server that has it.",
  UpdatePolicyInput,
  payloads.UpdatePolicyPayload,
  updatePolicy,
);
mutation(
  "addRepository",
  "Adds a place for backups: opens the repository there, or makes one.",
  AddRepositoryInput,
  payloads.AddRepositoryPayload,
  addRepository,
);
mutation(
  "requestRecoveryKit",
  "Starts a run whose result holds the kit sealed for one download; fetch it from GET /api/v1/repositories/{id}/recovery-kit.",
  RequestRecoveryKitInput,
  payloads.RequestRecoveryKitPayload,
  requestRecoveryKit,
);
mutation(
  "confirmRecoveryKit",
  "Says that the recovery kit is kept in a safe place.",
  ConfirmRecoveryKitInput,
  payloads.ConfirmRecoveryKitPayload,
  confirmRecoveryKit,
);
mutation(
  "createApiToken",
  "Makes an API token; its text is answered this once.",
  CreateApiTokenInput,
  payloads.CreateApiTokenPayload,
  createApiToken,
);
mutation(
  "revokeApiToken",
  "Makes a token worthless at once.",
  RevokeApiTokenInput,
  payloads.RevokeApiTokenPayload,
  revokeApiToken,
);
