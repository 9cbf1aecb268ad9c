import { enumOf } from "./builder.ts";

export const AccessEnum = enumOf("Access", "What a caller may do.", {
  "read-only": "Look, not act.",
  full: "Look and act.",
});

export const ViewerKindEnum = enumOf("ViewerKind", "How the caller is known.", {
  user: "A person with a session.",
  token: "An API token.",
});

export const ProtectionStateEnum = enumOf("ProtectionState", "How safe a server is.", {
  protected: "A dated drill started a real PostgreSQL from a backup, and backups arrive as scheduled.",
  unproven: "There are backups; none is proven (lately) by a drill.",
  degraded: "It can be restored, but something is not as it should be.",
  "at-risk": "What could be restored is far too old, damaged, or failed its drill.",
  unprotected: "Nothing can be restored.",
  unknown: "It could not be found out.",
});

export const RepositoryStateEnum = enumOf("RepositoryState", "What a worker last found.", {
  attaching: "No worker has opened it yet.",
  ready: "It takes and gives backups.",
  unreachable: "The place did not answer.",
  "read-only": "It can be read and not written.",
  full: "There is no room left.",
  failed: "It could not be opened; the detail says why.",
});

export const ScheduleKindEnum = enumOf("ScheduleKind", "What a schedule starts.", {
  backup: "A backup.",
  verify: "A verification of the newest backup.",
  retention: "Deleting what the policy does not need.",
  drill: "A drill of the newest backup.",
});

export const BackupStateEnum = enumOf("BackupState", "What became of a backup.", {
  running: "It is being taken.",
  stored: "Copied; its WAL is not yet whole.",
  restorable: "Whole: it can be restored by itself.",
  failed: "Nothing came of it.",
  interrupted: "The worker or the server went away; nothing came of it.",
  deleting: "It is being deleted.",
  deleted: "It was deleted.",
});

export const RunKindEnum = enumOf("RunKind", "Which act a run executes.", {
  backup: "Takes a backup.",
  verify: "Reads a backup and compares.",
  "restore-plan": "Plans a restore.",
  restore: "Restores into a directory.",
  retention: "Deletes what the policy does not need.",
  "delete-backup": "Deletes one backup.",
  drill: "Restores, starts, checks, throws away.",
  "connection-test": "Tests a connection step by step.",
  "attach-repository": "Opens or makes a repository.",
  "recovery-kit": "Packs the recovery kit.",
  collect: "Removes data nothing points at any more.",
  mark: "Writes a hold, a release or a note.",
});

export const RunStateEnum = enumOf("RunState", "Where a run is.", {
  queued: "Nobody has taken it yet.",
  waiting: "It waits for something; the reason says for what.",
  running: "A worker executes it.",
  succeeded: "Done.",
  failed: "Ended with an error.",
  interrupted: "Its worker went away.",
  cancelled: "Somebody cancelled it.",
});

export const EventLevelEnum = enumOf("EventLevel", "How much an event matters.", {
  debug: "Detail.",
  info: "What happens.",
  warn: "Worth a look.",
  error: "What went wrong.",
});

export const StepStateEnum = enumOf("StepState", "How a step or a check ended.", {
  ok: "As it should be.",
  warning: "It works, but.",
  failed: "It does not work.",
  skipped: "Not tried, because an earlier one failed.",
});

export const SeverityEnum = enumOf("Severity", "What a finding threatens.", {
  "blocks-backup": "No backup can be taken.",
  risk: "A restore may fail or lose data.",
  note: "Worth knowing.",
});

export const SameSystemChoiceEnum = enumOf("SameSystemChoice", "What a server with a known system identifier is.", {
  member: "A node of that server (a standby).",
  copy: "A copy with a name and an area of its own.",
});

export const CheckpointModeEnum = enumOf("CheckpointMode", "How the server begins a backup.", {
  fast: "At once, with a burst of writes.",
  spread: "Gently, over its checkpoint time.",
});
