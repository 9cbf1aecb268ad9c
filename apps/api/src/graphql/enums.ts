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

export const KeySlotKindEnum = enumOf("KeySlotKind", "What opens a key slot.", {
  "key-file": "A key file.",
  passphrase: "A passphrase.",
  age: "An age identity; the recipient says which.",
});

export const KitFormEnum = enumOf("KitForm", "How a recovery kit looks.", {
  text: "Plain text.",
  page: "A page for paper, with the key as a QR code.",
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
  clone: "Restores, starts and keeps it for a while.",
  "clone-act": "Moves, promotes, reads or ends a clone.",
  "find-moment": "Searches the WAL for transactions that took rows or tables away.",
  "connection-test": "Tests a connection step by step.",
  "attach-repository": "Opens or makes a repository.",
  "recovery-kit": "Packs the recovery kit.",
  "repository-keys": "Lists, adds, removes or rotates keys of a repository.",
  collect: "Removes data nothing points at any more.",
  mark: "Writes a hold, a release or a note.",
  inspect: "Reads what a server tells of itself and runs its checks.",
  copy: "Brings backups to the second repository.",
  "rebuild-catalog": "Makes rows of what a repository holds.",
  "server-act": "Does or asks one thing at a server: see ServerActResult.",
});

export const MomentChangeKindEnum = enumOf("MomentChangeKind", "What a transaction did.", {
  "database-dropped": "Dropped the database.",
  dropped: "Dropped the table.",
  truncated: "Emptied the table.",
  deleted: "Deleted many of its rows.",
  updated: "Updated many of its rows.",
  rewritten: "Filled the table anew: TRUNCATE and a load, or harmless (VACUUM FULL, CLUSTER, a changed column type).",
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
  "blocks-wal": "WAL cannot be streamed; backups can be taken.",
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

export const ReadingEnum = enumOf("Reading", "How much of the server is read for a backup.", {
  auto: "What changed, where the server and its last backup allow it.",
  full: "Everything.",
});

export const ReadingKindEnum = enumOf("ReadingKind", "How much of the server was read for a backup.", {
  full: "Everything.",
  incremental: "What changed since an earlier backup; the rest was carried over from it.",
});

export const OlderPageEnum = enumOf("OlderPage", "Whose page is the older one, by its LSN.", {
  stored: "The one that was stored: its change was missed.",
  server: "The server's: a write was lost there.",
  neither: "Both are of the same age: one of them was damaged at rest.",
});

export const VerifyTierEnum = enumOf("VerifyTier", "How deep a verification looks.", {
  metadata: "Every run points into an existing frame of an existing pack; no data is read.",
  stored: "The stored bytes of each frame are those that were stored.",
  whole: "Each frame is opened, and its bytes, runs and pages have the checksums they shall have.",
});

export const BackupMethodEnum = enumOf("BackupMethod", "How a backup's files come from the server.", {
  stream: "BASE_BACKUP over the replication protocol.",
  "read-files": "The low-level API: files are read with pg_read_binary_file between backup start and stop.",
  "local-files":
    "The low-level API with files read from the file system; only for servers on the worker's own machine.",
});

export const CheckStateEnum = enumOf("CheckState", "What a check of a server came to.", {
  ok: "As required.",
  found: "Not as required.",
  "not-asked": "It does not apply to this server, or could not be read; `found` says which.",
});

export const RemedyNeedsEnum = enumOf("RemedyNeeds", "What the server needs before a remedy takes effect.", {
  reload: "Reading its configuration again: SELECT pg_reload_conf().",
  restart: "A restart.",
});

export const PrivilegeStateEnum = enumOf("PrivilegeState", "Whether the role may do an act.", {
  allowed: "It may.",
  missing: "It may not; the remedy grants it.",
  "not-available": "This server's version has no such act, or the server is a standby.",
});

export const SlotKindEnum = enumOf("SlotKind", "What a replication slot is for.", {
  physical: "For a standby or a WAL receiver.",
  logical: "For logical decoding.",
});

export const ReplicationClientKindEnum = enumOf("ReplicationClientKind", "Who streams from a server.", {
  standby: "A standby.",
  "wal-receiver": "A program that keeps WAL: ours, pg_receivewal, Barman.",
  "base-backup": "A base backup that is being taken.",
  logical: "A subscriber or another reader of logical changes.",
  unknown: "It could not be told.",
});

export const ArchiveModeEnum = enumOf("ArchiveMode", "archive_mode.", {
  off: "Nothing is archived.",
  on: "A primary archives.",
  always: "A standby archives too.",
});

export const SynchronousMethodEnum = enumOf("SynchronousMethod", "How synchronous_standby_names chooses.", {
  none: "No commit waits for a standby.",
  priority: "The first so many of the names (FIRST).",
  quorum: "Any so many of the names (ANY).",
});

export const ConfigurationPurposeEnum = enumOf("ConfigurationPurpose", "What a configuration file holds.", {
  config: "postgresql.conf.",
  hba: "pg_hba.conf.",
  ident: "pg_ident.conf.",
  include: "A file another one includes.",
});

export const WalModeEnum = enumOf("WalMode", "How a server's WAL comes to us.", {
  stream: "A receiver of ours streams it over a replication slot.",
  push: "The server's own archiver hands it over: `tidemark wal push`, or the archive module.",
  none: "It does not: only backups can be restored.",
});

export const ReceiverStateEnum = enumOf("ReceiverState", "How a WAL receiver stands.", {
  connecting: "It reaches for the server.",
  streaming: "It has what the server has.",
  "catching-up": "It is behind, and reads as fast as it can.",
  waiting: "It could not go on, and tries again soon; the error says why.",
  stopped: "No worker has it.",
});

export const RpoKindEnum = enumOf("RpoKind", "Whether anything would be lost if the server were lost now.", {
  zero: "Nothing: everything it wrote is durable here.",
  behind: "The commits that are not durable here yet.",
  unknown: "It cannot be told.",
});

export const RecoveryTargetKindEnum = enumOf("RecoveryTargetKind", "What names the place to restore to.", {
  latest: "The end of the WAL there is.",
  immediate: "The end of the backup.",
  time: "An instant by the server's clock.",
  lsn: "A place in the WAL.",
  xid: "A transaction.",
  name: "A restore point.",
});

export const RecoveryActionEnum = enumOf("RecoveryAction", "What the server does at the target.", {
  pause: "It stays in recovery and can be read.",
  promote: "It becomes a primary on a timeline of its own.",
  shutdown: "It shuts down.",
});

export const RestoredWalEnum = enumOf("RestoredWal", "How a restored server gets the WAL for its recovery.", {
  copy: "What it needs is put into the restored directory, which then recovers without us.",
  fetch: "Its restore_command asks the repository while it recovers.",
});

export const CloneStateEnum = enumOf("CloneState", "Where a clone is.", {
  preparing: "It is being restored.",
  running: "It takes connections: paused at its target, or promoted.",
  moving: "It goes on to another target, or is being promoted.",
  ending: "It is being taken away.",
  ended: "It is gone.",
  failed: "It could not be made; nothing of it is left.",
});

export const ExtractFormatEnum = enumOf("ExtractFormat", "How a table is written.", {
  csv: "Comma-separated values with a head line.",
  sql: "Statements that make it and fill it.",
});
