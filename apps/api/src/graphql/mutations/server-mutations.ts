import { inspectServer } from "../../use-cases/inspect-server.ts";
import { setServerOffline, setServerOnline } from "../../use-cases/offline.ts";
import {
  checkpointServer,
  createReplicationSlot,
  createRestorePoint,
  dropReplicationSlot,
  planReplicationSlotDrop,
  readServerFile,
  readServerSettings,
  statServerFile,
  switchWal,
} from "../../use-cases/server-acts.ts";
import { mutation } from "./define-mutation.ts";
import { runPayload, serverStatePayload } from "./payloads.ts";
import * as inputs from "./server-inputs.ts";

mutation(
  "inspectServer",
  "Reads what a server tells of itself and runs its checks; or asks only some checks again.",
  inputs.InspectServerInput,
  runPayload("InspectServerPayload", "An inspection."),
  inspectServer,
);
mutation(
  "switchWal",
  "Closes the WAL segment that is being written. Needs EXECUTE on pg_switch_wal(); a primary.",
  inputs.SwitchWalInput,
  runPayload("SwitchWalPayload", "A WAL switch."),
  switchWal,
);
mutation(
  "checkpointServer",
  "Runs a checkpoint. Needs pg_checkpoint (15 and newer) or a superuser.",
  inputs.CheckpointServerInput,
  runPayload("CheckpointServerPayload", "A checkpoint."),
  checkpointServer,
);
mutation(
  "createRestorePoint",
  "Writes a named place into the WAL, to which one can restore. Needs EXECUTE on pg_create_restore_point(text); a primary.",
  inputs.CreateRestorePointInput,
  runPayload("CreateRestorePointPayload", "A restore point."),
  createRestorePoint,
);
mutation(
  "createReplicationSlot",
  "Makes a physical replication slot. Needs REPLICATION.",
  inputs.CreateReplicationSlotInput,
  runPayload("CreateReplicationSlotPayload", "A new slot."),
  createReplicationSlot,
);
mutation(
  "planReplicationSlotDrop",
  "Plan → show → execute: says who reads from a slot, what it keeps and what dropping it means. The run's serverAct is a SlotDropPlan.",
  inputs.PlanReplicationSlotDropInput,
  runPayload("PlanReplicationSlotDropPayload", "A slot's drop plan."),
  planReplicationSlotDrop,
);
mutation(
  "dropReplicationSlot",
  "Executes the plan: ends who reads from the slot, and drops it. The run fails with plan-stale when the slot changed since. Needs REPLICATION.",
  inputs.DropReplicationSlotInput,
  runPayload("DropReplicationSlotPayload", "A slot's drop."),
  dropReplicationSlot,
);
mutation(
  "readServerSettings",
  "Reads settings. Needs full access, since settings may hold secrets.",
  inputs.ReadServerSettingsInput,
  runPayload("ReadServerSettingsPayload", "Settings that are being read."),
  readServerSettings,
);
mutation(
  "statServerFile",
  "Looks at a file or directory of the server's machine. Needs full access here and EXECUTE on pg_stat_file(text) there; outside the data directory pg_read_server_files too.",
  inputs.StatServerFileInput,
  runPayload("StatServerFilePayload", "A file that is being looked at."),
  statServerFile,
);
mutation(
  "readServerFile",
  "Reads a piece of a file of the server's machine, sealed for the asker: files hold secrets, and runs are kept. Needs full access here and EXECUTE on pg_read_binary_file there; outside the data directory pg_read_server_files too.",
  inputs.ReadServerFileInput,
  runPayload("ReadServerFilePayload", "A file that is being read."),
  readServerFile,
);
mutation(
  "setServerOffline",
  "Takes a server out of service: schedules and polls stop, backups, inspections and acts are refused with server-offline. Connection tests, restores, verifications, drills and retention go on. One that is offline already keeps its reason.",
  inputs.SetServerOfflineInput,
  serverStatePayload("SetServerOfflinePayload", "A server that is offline."),
  setServerOffline,
);
mutation(
  "setServerOnline",
  "Puts a server back into service; the period that ended then lists what schedules missed. Nothing missed is made up for by itself but what schedules catch up with.",
  inputs.SetServerOnlineInput,
  serverStatePayload("SetServerOnlinePayload", "A server that is online."),
  setServerOnline,
);
