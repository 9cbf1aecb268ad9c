import type {
  ConnectionReportResult,
  FindMomentResult,
  InspectResult,
  PrivilegesResult,
  RestorePlanResult,
  ServerCheckResult,
  ServerSnapshotDocument,
} from "@tidemark/jobs";
import type {
  ApiTokenRow,
  AuditEventRow,
  BackupRow,
  CloneRow,
  FindingRow,
  OfflinePeriod,
  PolicyRow,
  RepositoryRow,
  Run,
  RunEvent,
  ScheduleRow,
  Server,
  WorkerRow,
} from "@tidemark/metadata";
import type { RetentionPreview } from "../use-cases/retention-plan.ts";
import { builder } from "./builder.ts";

/** The types by name, so that the files that describe them need not import each other. */
export const ServerRef = builder.objectRef<Server>("Server");
export const RepositoryRef = builder.objectRef<RepositoryRow>("Repository");
export const PolicyRef = builder.objectRef<PolicyRow>("Policy");
export const ScheduleRef = builder.objectRef<ScheduleRow>("Schedule");
export const BackupRef = builder.objectRef<BackupRow>("Backup");
export const CloneRef = builder.objectRef<CloneRow>("Clone");
export const RunRef = builder.objectRef<Run>("Run");
export const RunEventRef = builder.objectRef<RunEvent>("RunEvent");
export const FindingRef = builder.objectRef<FindingRow>("Finding");
export const ApiTokenRef = builder.objectRef<ApiTokenRow>("ApiToken");
export const AuditEventRef = builder.objectRef<AuditEventRow>("AuditEvent");
export const WorkerRef = builder.objectRef<WorkerRow>("Worker");
export const OfflinePeriodRef = builder.objectRef<OfflinePeriod>("OfflinePeriod");
export const ServerCheckRef = builder.objectRef<ServerCheckResult>("ServerCheck");
export const PrivilegesRef = builder.objectRef<PrivilegesResult>("Privileges");
export const ServerSnapshotRef = builder.objectRef<ServerSnapshotDocument>("ServerSnapshot");
export const InspectionRef = builder.objectRef<InspectResult>("Inspection");
export const RetentionPreviewRef = builder.objectRef<RetentionPreview>("RetentionPreview");
export const ConnectionReportRef = builder.objectRef<ConnectionReportResult>("ConnectionReport");
export const FoundMomentsRef = builder.objectRef<FindMomentResult>("FoundMoments");
/** A plan and the plan run it came from. */
export const RestorePlanRef = builder.objectRef<{ readonly run: Run; readonly plan: RestorePlanResult }>("RestorePlan");

export interface UserErrorShape {
  readonly code: string;
  readonly field: readonly string[] | null;
  readonly message: string;
  readonly hint: string | null;
}
export const UserErrorRef = builder.objectRef<UserErrorShape>("UserError");

export interface RunErrorShape {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}
export const RunErrorRef = builder.objectRef<RunErrorShape>("RunError");

export interface RemedyShape {
  readonly sql?: string | undefined;
  readonly hba?: string | undefined;
  readonly settings?: string | undefined;
  readonly advice?: string | undefined;
  readonly needs?: "reload" | "restart" | undefined;
}
export const RemedyRef = builder.objectRef<RemedyShape>("Remedy");

export const NodeRef = builder.interfaceRef<{ readonly id: string }>("Node");
