import { type AppError, maskSecrets } from "@tidemark/kit";
import type { DeletePlan } from "../../use-cases/delete-backup.ts";
import type { ActOutcome } from "../../use-cases/perform.ts";
import { builder } from "../builder.ts";
import type { GraphqlContext } from "../context.ts";
import {
  ApiTokenRef,
  BackupRef,
  PolicyRef,
  RepositoryRef,
  RunRef,
  ScheduleRef,
  ServerRef,
  UserErrorRef,
  type UserErrorShape,
} from "../refs.ts";
import { toBigInt } from "../types/backup-parts.ts";
import { requiredRow } from "../types/required-row.ts";

/** The ids an act answers with; each payload shows those it has fields for. */
export interface Answer {
  readonly runId?: string | null;
  readonly serverId?: string;
  readonly backupId?: string;
  readonly repositoryId?: string;
  readonly policyId?: string;
  readonly scheduleId?: string;
  readonly cloneId?: string;
  readonly tokenId?: string;
  readonly removedId?: string;
  readonly sentence?: string;
  readonly secret?: string;
  readonly downloadToken?: string;
  readonly plan?: DeletePlan;
}

export interface Payload {
  /** Null when the act was refused. */
  readonly answer: Answer | null;
  readonly userErrors: readonly UserErrorShape[];
}

export function toPayload(outcome: ActOutcome<Answer>): Payload {
  if (outcome.ok) return { answer: outcome.answer, userErrors: [] };
  return { answer: null, userErrors: [toUserError(outcome.error)] };
}

function toUserError(error: AppError): UserErrorShape {
  const { field } = error.context;
  return {
    code: error.code,
    field: typeof field === "string" ? field.split(".") : null,
    message: maskSecrets(error.message),
    hint: error.hint ?? null,
  };
}

export const refused = "Null when it was refused.";

const DeletePlanRef = builder.objectRef<DeletePlan>("DeletePlan").implement({
  description: "What deleting one backup would mean.",
  fields: (t) => ({
    planHash: t.exposeString("planHash", { description: "Give it to deleteBackup to execute." }),
    backup: t.field({
      type: BackupRef,
      description: "Which.",
      resolve: (plan, _args, { loaders }) => requiredRow(loaders.backup.load(plan.backupId), plan.backupId),
    }),
    sentence: t.exposeString("sentence", { description: "The plan in words." }),
    consequences: t.stringList({ description: "What follows from it.", resolve: (plan) => [...plan.consequences] }),
    freedBytesAtLeast: t.field({
      type: "BigInt",
      nullable: true,
      description: "Null when nothing can be promised: other backups may point at the same data.",
      resolve: (plan) => toBigInt(plan.freedBytesAtLeast),
    }),
    allowed: t.exposeBoolean("allowed", { description: "False for one that is held, and for the newest usable one." }),
  }),
});

export function payload(name: string) {
  return builder.objectRef<Payload>(name);
}

export const errorsText = "Why it was refused; empty when it was not.";

/** Of acts that only start a run. */
export function runPayload(name: string, description: string) {
  return payload(name).implement({
    description,
    fields: (t) => ({
      run: t.field({ type: RunRef, nullable: true, description: `The run that does it. ${refused}`, resolve: runOf }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  });
}

/** Of acts that start a run about a backup. */
function backupPayload(name: string, description: string) {
  return payload(name).implement({
    description,
    fields: (t) => ({
      backup: t.field({
        type: BackupRef,
        nullable: true,
        description: `The backup as it is now. ${refused}`,
        resolve: ({ answer }, _args, { loaders }) => (answer?.backupId ? loaders.backup.load(answer.backupId) : null),
      }),
      run: t.field({ type: RunRef, nullable: true, description: `The run that does it. ${refused}`, resolve: runOf }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  });
}

export function serverPayload(name: string, description: string, runText: string) {
  return payload(name).implement({
    description,
    fields: (t) => ({
      server: t.field({
        type: ServerRef,
        nullable: true,
        description: "The server; null when it was refused or is not registered yet.",
        resolve: async ({ answer }, _args, { loaders }) => {
          const run = answer?.serverId === undefined && answer?.runId ? await loaders.run.load(answer.runId) : null;
          const serverId = answer?.serverId ?? run?.serverId ?? null;
          return serverId === null ? null : await loaders.server.load(serverId);
        },
      }),
      run: t.field({ type: RunRef, nullable: true, description: runText, resolve: runOf }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  });
}

/** Of acts that change a server's row at once. */
export function serverStatePayload(name: string, description: string) {
  return payload(name).implement({
    description,
    fields: (t) => ({
      server: t.field({
        type: ServerRef,
        nullable: true,
        description: `The server as it is now. ${refused}`,
        resolve: ({ answer }, _args, { loaders }) => (answer?.serverId ? loaders.server.load(answer.serverId) : null),
      }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  });
}

export const TestConnectionPayload = runPayload("TestConnectionPayload", "A connection test.");
export const VerifyBackupPayload = runPayload("VerifyBackupPayload", "A verification.");
export const VerifyAreaPayload = runPayload("VerifyAreaPayload", "A verification of all backups of a server.");
export const PlanRestorePayload = runPayload("PlanRestorePayload", "A restore's plan run.");
export const RunRestorePayload = runPayload("RunRestorePayload", "A restore.");
export const ApplyRetentionPayload = runPayload("ApplyRetentionPayload", "A retention run.");
export const CancelRunPayload = runPayload("CancelRunPayload", "The run that was asked to stop.");
export const TakeBackupPayload = backupPayload("TakeBackupPayload", "A backup that was begun.");
export const HoldBackupPayload = backupPayload("HoldBackupPayload", "A hold that is being written.");
export const ReleaseBackupPayload = backupPayload("ReleaseBackupPayload", "A release that is being written.");
export const AnnotateBackupPayload = backupPayload("AnnotateBackupPayload", "A note that is being written.");
export const AddServerPayload = serverPayload(
  "AddServerPayload",
  "Answered at once with a connection-test run; the server's row exists when it succeeded. run.server is then set.",
  `The connection test. ${refused}`,
);
export const UpdateServerPayload = serverPayload(
  "UpdateServerPayload",
  "A changed server.",
  "The test of a new connection string; null when none was given.",
);

export const RemoveServerPayload = payload("RemoveServerPayload").implement({
  description: "A server that was forgotten.",
  fields: (t) => ({
    removedId: t.id({ nullable: true, description: refused, resolve: ({ answer }) => answer?.removedId ?? null }),
    sentence: t.string({
      nullable: true,
      description: `What stays. ${refused}`,
      resolve: ({ answer }) => answer?.sentence ?? null,
    }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export const DeleteBackupPayload = payload("DeleteBackupPayload").implement({
  description: "A deletion's plan, or its run.",
  fields: (t) => ({
    plan: t.field({
      type: DeletePlanRef,
      nullable: true,
      description: refused,
      resolve: ({ answer }) => answer?.plan ?? null,
    }),
    run: t.field({
      type: RunRef,
      nullable: true,
      description: "Null when only the plan was asked for, or it was refused.",
      resolve: runOf,
    }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export const SetSchedulePayload = payload("SetSchedulePayload").implement({
  description: "A schedule that was made or changed.",
  fields: (t) => ({
    schedule: t.field({
      type: ScheduleRef,
      nullable: true,
      description: refused,
      resolve: ({ answer }, _args, { loaders }) =>
        answer?.scheduleId ? loaders.schedule.load(answer.scheduleId) : null,
    }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export const RemoveSchedulePayload = payload("RemoveSchedulePayload").implement({
  description: "A schedule that was removed.",
  fields: (t) => ({
    removedId: t.id({ nullable: true, description: refused, resolve: ({ answer }) => answer?.removedId ?? null }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

function policyPayload(name: string, description: string) {
  return payload(name).implement({
    description,
    fields: (t) => ({
      policy: t.field({
        type: PolicyRef,
        nullable: true,
        description: refused,
        resolve: ({ answer }, _args, { loaders }) => (answer?.policyId ? loaders.policy.load(answer.policyId) : null),
      }),
      userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
    }),
  });
}
export const CreatePolicyPayload = policyPayload("CreatePolicyPayload", "A policy that was made.");
export const UpdatePolicyPayload = policyPayload("UpdatePolicyPayload", "A policy that was changed.");

export const AddRepositoryPayload = payload("AddRepositoryPayload").implement({
  description: "A repository that is being attached.",
  fields: (t) => ({
    repository: t.field({ type: RepositoryRef, nullable: true, description: refused, resolve: repositoryOf }),
    run: t.field({
      type: RunRef,
      nullable: true,
      description: `The run that opens or makes it. ${refused}`,
      resolve: runOf,
    }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export const RequestRecoveryKitPayload = payload("RequestRecoveryKitPayload").implement({
  description: "A recovery kit that is being packed.",
  fields: (t) => ({
    run: t.field({ type: RunRef, nullable: true, description: `The run that packs it. ${refused}`, resolve: runOf }),
    downloadToken: t.string({
      nullable: true,
      description: `Opens the download of the finished run, once; kept by nobody but the asker. ${refused}`,
      resolve: ({ answer }) => answer?.downloadToken ?? null,
    }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export const ConfirmRecoveryKitPayload = payload("ConfirmRecoveryKitPayload").implement({
  description: "The repository whose recovery kit is safe.",
  fields: (t) => ({
    repository: t.field({ type: RepositoryRef, nullable: true, description: refused, resolve: repositoryOf }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export const CreateApiTokenPayload = payload("CreateApiTokenPayload").implement({
  description: "A token that was made.",
  fields: (t) => ({
    token: t.field({ type: ApiTokenRef, nullable: true, description: refused, resolve: tokenOf }),
    secret: t.string({
      nullable: true,
      description: `The token's text, shown this once. ${refused}`,
      resolve: ({ answer }) => answer?.secret ?? null,
    }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export const RevokeApiTokenPayload = payload("RevokeApiTokenPayload").implement({
  description: "A token that no longer works.",
  fields: (t) => ({
    token: t.field({ type: ApiTokenRef, nullable: true, description: refused, resolve: tokenOf }),
    userErrors: t.expose("userErrors", { type: [UserErrorRef], description: errorsText }),
  }),
});

export function runOf({ answer }: Payload, _args: object, { loaders }: GraphqlContext) {
  return answer?.runId ? loaders.run.load(answer.runId) : null;
}

export function repositoryOf({ answer }: Payload, _args: object, { loaders }: GraphqlContext) {
  return answer?.repositoryId ? loaders.repository.load(answer.repositoryId) : null;
}

function tokenOf({ answer }: Payload, _args: object, { services }: GraphqlContext) {
  return answer?.tokenId ? services.metadata.tokens.get(answer.tokenId) : null;
}
