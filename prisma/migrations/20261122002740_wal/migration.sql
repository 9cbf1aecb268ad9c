-- AlterTable
ALTER TABLE "policy" ADD COLUMN     "proof_days" INTEGER,
ADD COLUMN     "rpo_target_seconds" INTEGER,
ADD COLUMN     "rto_target_seconds" INTEGER;

-- AlterTable
ALTER TABLE "server" ADD COLUMN     "drill_settings" JSONB,
ADD COLUMN     "synchronous" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "wal_mode" TEXT NOT NULL DEFAULT 'none',
ADD COLUMN     "wal_slot" TEXT,
ADD COLUMN     "wal_system_identifier" TEXT;

-- AlterTable
ALTER TABLE "worker" ADD COLUMN     "wal_capacity" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "wal_receiver" (
    "server_id" TEXT NOT NULL,
    "worker_id" TEXT,
    "fence" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "system_identifier" TEXT,
    "timeline" INTEGER,
    "received_lsn" BIGINT,
    "flushed_lsn" BIGINT,
    "server_lsn" BIGINT,
    "last_commit_at" TIMESTAMPTZ(6),
    "last_commit_lsn" BIGINT,
    "last_commit_xid" BIGINT,
    "last_message_at" TIMESTAMPTZ(3),
    "caught_up_at" TIMESTAMPTZ(3),
    "reconnects" INTEGER NOT NULL DEFAULT 0,
    "error_code" TEXT,
    "error_message" TEXT,
    "state_since" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "slot_observed_at" TIMESTAMPTZ(3),
    "slot_wal_status" TEXT,
    "slot_restart_lsn" BIGINT,
    "slot_safe_bytes" BIGINT,
    "slot_retained_bytes" BIGINT,
    "wal_bytes_per_second" DOUBLE PRECISION,
    "slot_full_at" TIMESTAMPTZ(3),

    CONSTRAINT "wal_receiver_pkey" PRIMARY KEY ("server_id")
);

-- CreateTable
CREATE TABLE "wal_segment" (
    "repository_id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "system_identifier" TEXT NOT NULL,
    "timeline" INTEGER NOT NULL,
    "start_lsn" BIGINT NOT NULL,
    "size_bytes" INTEGER NOT NULL,
    "stored_bytes" BIGINT NOT NULL,
    "first_commit_at" TIMESTAMPTZ(6),
    "first_commit_lsn" BIGINT,
    "first_commit_xid" BIGINT,
    "last_commit_at" TIMESTAMPTZ(6),
    "last_commit_lsn" BIGINT,
    "last_commit_xid" BIGINT,
    "commit_count" INTEGER,
    "restore_points" JSONB NOT NULL DEFAULT '[]',
    "last_record_end" BIGINT,
    "source" TEXT NOT NULL,
    "stored_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "wal_segment_pkey" PRIMARY KEY ("server_id","repository_id","system_identifier","timeline","start_lsn")
);

-- CreateTable
CREATE TABLE "wal_timeline" (
    "server_id" TEXT NOT NULL,
    "system_identifier" TEXT NOT NULL,
    "timeline" INTEGER NOT NULL,
    "parent" INTEGER,
    "switch_lsn" BIGINT,
    "history" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "wal_timeline_pkey" PRIMARY KEY ("server_id","system_identifier","timeline")
);

-- CreateTable
CREATE TABLE "wal_gap" (
    "id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "system_identifier" TEXT NOT NULL,
    "timeline" INTEGER NOT NULL,
    "from_lsn" BIGINT NOT NULL,
    "to_lsn" BIGINT NOT NULL,
    "cause" TEXT NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "run_id" TEXT,

    CONSTRAINT "wal_gap_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "clone" (
    "id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "backup_id" TEXT,
    "state" TEXT NOT NULL,
    "target" JSONB NOT NULL,
    "reached" JSONB,
    "promoted" BOOLEAN NOT NULL DEFAULT false,
    "worker_id" TEXT,
    "hostname" TEXT,
    "path" TEXT,
    "host" TEXT,
    "port" INTEGER,
    "pid" INTEGER,
    "user_name" TEXT,
    "sealed_password" TEXT,
    "size_bytes" BIGINT,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "error_code" TEXT,
    "error_message" TEXT,

    CONSTRAINT "clone_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "wal_segment_repository_id_idx" ON "wal_segment"("repository_id");

-- CreateIndex
CREATE INDEX "wal_segment_server_id_first_commit_at_idx" ON "wal_segment"("server_id", "first_commit_at");

-- CreateIndex
CREATE INDEX "wal_gap_run_id_idx" ON "wal_gap"("run_id");

-- CreateIndex
CREATE UNIQUE INDEX "wal_gap_server_id_system_identifier_timeline_from_lsn_key" ON "wal_gap"("server_id", "system_identifier", "timeline", "from_lsn");

-- CreateIndex
CREATE INDEX "clone_server_id_created_at_id_idx" ON "clone"("server_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "clone_backup_id_idx" ON "clone"("backup_id");

-- CreateIndex
CREATE INDEX "clone_worker_id_idx" ON "clone"("worker_id");

-- CreateIndex
CREATE INDEX "clone_living_idx" ON "clone"("expires_at") WHERE (ended_at IS NULL);

-- AddForeignKey
ALTER TABLE "wal_receiver" ADD CONSTRAINT "wal_receiver_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wal_segment" ADD CONSTRAINT "wal_segment_repository_id_fkey" FOREIGN KEY ("repository_id") REFERENCES "repository"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wal_segment" ADD CONSTRAINT "wal_segment_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wal_timeline" ADD CONSTRAINT "wal_timeline_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wal_gap" ADD CONSTRAINT "wal_gap_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wal_gap" ADD CONSTRAINT "wal_gap_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "clone" ADD CONSTRAINT "clone_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "clone" ADD CONSTRAINT "clone_backup_id_fkey" FOREIGN KEY ("backup_id") REFERENCES "backup"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "clone" ADD CONSTRAINT "clone_worker_id_fkey" FOREIGN KEY ("worker_id") REFERENCES "worker"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- By hand from here on: what the schema cannot express.

-- Rows from before have no WAL; new servers are given a mode by name.
ALTER TABLE "server" ADD CONSTRAINT "server_wal_mode_check" CHECK ("wal_mode" IN ('stream', 'push', 'none'));
ALTER TABLE "server" ADD CONSTRAINT "server_wal_slot_check" CHECK ("wal_slot" ~ '^[a-z0-9_]{1,63}$');
ALTER TABLE "policy" ADD CONSTRAINT "policy_targets_check"
  CHECK ("rpo_target_seconds" >= 1 AND "rto_target_seconds" >= 1 AND "proof_days" >= 1);
ALTER TABLE "worker" ADD CONSTRAINT "worker_wal_capacity_check" CHECK ("wal_capacity" >= 0);
ALTER TABLE "wal_receiver" ADD CONSTRAINT "wal_receiver_state_check"
  CHECK ("state" IN ('connecting', 'streaming', 'catching-up', 'waiting', 'stopped'));
ALTER TABLE "wal_segment" ADD CONSTRAINT "wal_segment_source_check" CHECK ("source" IN ('stream', 'push', 'copy'));
ALTER TABLE "wal_segment" ADD CONSTRAINT "wal_segment_timeline_check" CHECK ("timeline" > 0 AND "size_bytes" > 0);
ALTER TABLE "clone" ADD CONSTRAINT "clone_state_check"
  CHECK ("state" IN ('preparing', 'running', 'moving', 'ending', 'ended', 'failed'));

-- Wider than before, so that code of either age may write.
ALTER TABLE "run" DROP CONSTRAINT "run_kind_check";
ALTER TABLE "run" ADD CONSTRAINT "run_kind_check"
  CHECK ("kind" IN ('connection-test', 'backup', 'verify', 'restore-plan', 'restore', 'retention', 'delete-backup', 'drill',
                    'mark', 'attach-repository', 'recovery-kit', 'collect', 'inspect', 'server-act', 'copy', 'rebuild-catalog',
                    'repository-keys', 'clone', 'clone-act', 'find-moment', 'extract', 'copy-wal'));
