-- CreateTable
CREATE TABLE "instance" (
    "singleton" BOOLEAN NOT NULL DEFAULT true,
    "id" TEXT NOT NULL,
    "worker_public_key" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "instance_pkey" PRIMARY KEY ("singleton")
);

-- CreateTable
CREATE TABLE "user" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "email_verified" BOOLEAN NOT NULL DEFAULT false,
    "image" TEXT,
    "username" TEXT,
    "display_username" TEXT,
    "must_change_password" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "token" TEXT NOT NULL,
    "ip_address" TEXT,
    "user_agent" TEXT,
    "user_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "account" (
    "id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "provider_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "access_token" TEXT,
    "refresh_token" TEXT,
    "id_token" TEXT,
    "access_token_expires_at" TIMESTAMPTZ(3),
    "refresh_token_expires_at" TIMESTAMPTZ(3),
    "scope" TEXT,
    "password" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "verification" (
    "id" TEXT NOT NULL,
    "identifier" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "verification_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rate_limit" (
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "last_request" BIGINT NOT NULL,

    CONSTRAINT "rate_limit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_token" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "access" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "repository" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "format_id" TEXT,
    "format_version" INTEGER,
    "encrypted" BOOLEAN NOT NULL,
    "sealed_key" TEXT,
    "state" TEXT NOT NULL DEFAULT 'attaching',
    "state_detail" TEXT,
    "free_bytes" BIGINT,
    "total_bytes" BIGINT,
    "stored_bytes" BIGINT,
    "recovery_kit_saved_at" TIMESTAMPTZ(3),
    "checked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "repository_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "policy" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "keep_last" INTEGER,
    "window_days" INTEGER,
    "minimum" INTEGER NOT NULL DEFAULT 1,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "policy_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "server" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sealed_dsn" TEXT NOT NULL,
    "connection" TEXT NOT NULL,
    "area_id" TEXT NOT NULL,
    "system_identifier" TEXT,
    "server_version" TEXT,
    "major_version" INTEGER,
    "in_recovery" BOOLEAN,
    "is_demo" BOOLEAN NOT NULL DEFAULT false,
    "size_bytes" BIGINT,
    "last_contact_at" TIMESTAMPTZ(3),
    "repository_id" TEXT NOT NULL,
    "policy_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "server_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "server_member" (
    "id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sealed_dsn" TEXT NOT NULL,
    "connection" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "server_member_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule" (
    "id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "cron" TEXT NOT NULL,
    "zone" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "last_fired_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "schedule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "backup" (
    "id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "repository_id" TEXT NOT NULL,
    "run_id" TEXT,
    "state" TEXT NOT NULL,
    "damage_detail" TEXT,
    "label" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "start_lsn" BIGINT,
    "stop_lsn" BIGINT,
    "timeline" INTEGER,
    "server_version" TEXT,
    "system_identifier" TEXT,
    "checksums_enabled" BOOLEAN,
    "from_standby" BOOLEAN,
    "file_count" INTEGER,
    "size_bytes" BIGINT,
    "read_bytes" BIGINT,
    "stored_bytes" BIGINT,
    "referenced_bytes" BIGINT,
    "wal_start" TEXT,
    "wal_end" TEXT,
    "suspect_page_count" INTEGER NOT NULL DEFAULT 0,
    "tablespaces" JSONB NOT NULL DEFAULT '[]',
    "suspect_pages" JSONB NOT NULL DEFAULT '[]',
    "notes" JSONB NOT NULL DEFAULT '[]',
    "files" JSONB,
    "verified_at" TIMESTAMPTZ(3),
    "verification" JSONB,
    "proven_at" TIMESTAMPTZ(3),
    "proof" JSONB,
    "hold_by" TEXT,
    "hold_at" TIMESTAMPTZ(3),
    "hold_reason" TEXT,
    "note" TEXT,
    "retention_reasons" JSONB NOT NULL DEFAULT '[]',
    "deleted_at" TIMESTAMPTZ(3),
    "deleted_reason" TEXT,
    "error_code" TEXT,
    "error_message" TEXT,
    "error_hint" TEXT,
    "mirrored_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "backup_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "run" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'queued',
    "server_id" TEXT,
    "repository_id" TEXT,
    "backup_id" TEXT,
    "request" JSONB NOT NULL,
    "result" JSONB,
    "error_code" TEXT,
    "error_message" TEXT,
    "error_hint" TEXT,
    "phase" TEXT,
    "done" BIGINT,
    "total" BIGINT,
    "rate_bytes_per_second" DOUBLE PRECISION,
    "eta_low_ms" DOUBLE PRECISION,
    "eta_high_ms" DOUBLE PRECISION,
    "waiting_reason" TEXT,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "cancel_requested_by" TEXT,
    "cancel_effect" TEXT,
    "requested_by" TEXT NOT NULL,
    "schedule_id" TEXT,
    "scheduled_for" TIMESTAMPTZ(3),
    "worker_id" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "last_seq" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "heartbeat_at" TIMESTAMPTZ(3),
    "rung_at" TIMESTAMPTZ(3),

    CONSTRAINT "run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "run_event" (
    "run_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "level" TEXT NOT NULL,
    "phase" TEXT,
    "message" TEXT NOT NULL,
    "done" BIGINT,
    "total" BIGINT,
    "run_state" TEXT NOT NULL,

    CONSTRAINT "run_event_pkey" PRIMARY KEY ("run_id","seq")
);

-- CreateTable
CREATE TABLE "lease" (
    "key" TEXT NOT NULL,
    "holder" TEXT,
    "run_id" TEXT,
    "fence" BIGINT NOT NULL,
    "acquired_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "lease_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "worker" (
    "id" TEXT NOT NULL,
    "hostname" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "version" TEXT NOT NULL,
    "restore_roots" TEXT[],
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "stopped_at" TIMESTAMPTZ(3),

    CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "finding" (
    "id" TEXT NOT NULL,
    "check_id" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "server_id" TEXT,
    "repository_id" TEXT,
    "severity" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "found" TEXT NOT NULL,
    "required" TEXT,
    "why" TEXT NOT NULL,
    "remedy" JSONB,
    "action_label" TEXT,
    "action_path" TEXT,
    "first_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "resolved_at" TIMESTAMPTZ(3),

    CONSTRAINT "finding_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target_kind" TEXT,
    "target_id" TEXT,
    "detail" JSONB,
    "outcome" TEXT NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "principal" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "request_hash" TEXT NOT NULL,
    "response" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("principal","key")
);

-- CreateIndex
CREATE UNIQUE INDEX "instance_id_key" ON "instance"("id");

-- CreateIndex
CREATE UNIQUE INDEX "user_email_key" ON "user"("email");

-- CreateIndex
CREATE UNIQUE INDEX "user_username_key" ON "user"("username");

-- CreateIndex
CREATE UNIQUE INDEX "session_token_key" ON "session"("token");

-- CreateIndex
CREATE INDEX "session_user_id_idx" ON "session"("user_id");

-- CreateIndex
CREATE INDEX "account_user_id_idx" ON "account"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "account_provider_id_account_id_key" ON "account"("provider_id", "account_id");

-- CreateIndex
CREATE INDEX "verification_identifier_idx" ON "verification"("identifier");

-- CreateIndex
CREATE UNIQUE INDEX "rate_limit_key_key" ON "rate_limit"("key");

-- CreateIndex
CREATE UNIQUE INDEX "api_token_hash_key" ON "api_token"("hash");

-- CreateIndex
CREATE UNIQUE INDEX "repository_name_key" ON "repository"("name");

-- CreateIndex
CREATE UNIQUE INDEX "policy_name_key" ON "policy"("name");

-- CreateIndex
CREATE INDEX "server_repository_id_idx" ON "server"("repository_id");

-- CreateIndex
CREATE INDEX "server_policy_id_idx" ON "server"("policy_id");

-- CreateIndex
CREATE INDEX "server_system_identifier_idx" ON "server"("system_identifier");

-- CreateIndex
CREATE UNIQUE INDEX "server_name_of_registered_key" ON "server"("name") WHERE (removed_at IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "server_member_server_id_name_key" ON "server_member"("server_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "schedule_server_id_kind_key" ON "schedule"("server_id", "kind");

-- CreateIndex
CREATE UNIQUE INDEX "backup_run_id_key" ON "backup"("run_id");

-- CreateIndex
CREATE INDEX "backup_server_id_started_at_id_idx" ON "backup"("server_id", "started_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "backup_started_at_id_idx" ON "backup"("started_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "backup_repository_id_idx" ON "backup"("repository_id");

-- CreateIndex
CREATE INDEX "backup_state_idx" ON "backup"("state");

-- CreateIndex
CREATE INDEX "run_created_at_id_idx" ON "run"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "run_server_id_created_at_id_idx" ON "run"("server_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "run_backup_id_idx" ON "run"("backup_id");

-- CreateIndex
CREATE INDEX "run_repository_id_idx" ON "run"("repository_id");

-- CreateIndex
CREATE INDEX "run_worker_id_idx" ON "run"("worker_id");

-- CreateIndex
CREATE INDEX "run_unfinished_idx" ON "run"("state", "heartbeat_at") WHERE (finished_at IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "run_schedule_id_scheduled_for_key" ON "run"("schedule_id", "scheduled_for");

-- CreateIndex
CREATE INDEX "lease_run_id_idx" ON "lease"("run_id");

-- CreateIndex
CREATE INDEX "worker_last_seen_at_idx" ON "worker"("last_seen_at");

-- CreateIndex
CREATE INDEX "finding_server_id_idx" ON "finding"("server_id");

-- CreateIndex
CREATE INDEX "finding_repository_id_idx" ON "finding"("repository_id");

-- CreateIndex
CREATE INDEX "finding_first_seen_at_id_idx" ON "finding"("first_seen_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "finding_open_key" ON "finding"("check_id", "subject_id") WHERE (resolved_at IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "audit_event_seq_key" ON "audit_event"("seq");

-- CreateIndex
CREATE INDEX "audit_event_target_id_idx" ON "audit_event"("target_id");

-- CreateIndex
CREATE INDEX "idempotency_key_created_at_idx" ON "idempotency_key"("created_at");

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "account" ADD CONSTRAINT "account_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "server" ADD CONSTRAINT "server_repository_id_fkey" FOREIGN KEY ("repository_id") REFERENCES "repository"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "server" ADD CONSTRAINT "server_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policy"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "server_member" ADD CONSTRAINT "server_member_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule" ADD CONSTRAINT "schedule_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "backup" ADD CONSTRAINT "backup_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "backup" ADD CONSTRAINT "backup_repository_id_fkey" FOREIGN KEY ("repository_id") REFERENCES "repository"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "backup" ADD CONSTRAINT "backup_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_repository_id_fkey" FOREIGN KEY ("repository_id") REFERENCES "repository"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_backup_id_fkey" FOREIGN KEY ("backup_id") REFERENCES "backup"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedule"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_worker_id_fkey" FOREIGN KEY ("worker_id") REFERENCES "worker"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run_event" ADD CONSTRAINT "run_event_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "lease" ADD CONSTRAINT "lease_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finding" ADD CONSTRAINT "finding_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "finding" ADD CONSTRAINT "finding_repository_id_fkey" FOREIGN KEY ("repository_id") REFERENCES "repository"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what the schema cannot express.

-- One instance only.
ALTER TABLE "instance" ADD CONSTRAINT "instance_singleton_check" CHECK ("singleton");

-- States and kinds.
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_access_check" CHECK ("access" IN ('read-only', 'full'));
ALTER TABLE "repository" ADD CONSTRAINT "repository_state_check"
  CHECK ("state" IN ('attaching', 'ready', 'unreachable', 'read-only', 'full', 'failed'));
ALTER TABLE "schedule" ADD CONSTRAINT "schedule_kind_check" CHECK ("kind" IN ('backup', 'verify', 'retention', 'drill'));
ALTER TABLE "backup" ADD CONSTRAINT "backup_state_check"
  CHECK ("state" IN ('running', 'stored', 'restorable', 'failed', 'interrupted', 'deleting', 'deleted'));
ALTER TABLE "run" ADD CONSTRAINT "run_state_check"
  CHECK ("state" IN ('queued', 'waiting', 'running', 'succeeded', 'failed', 'interrupted', 'cancelled'));
ALTER TABLE "run" ADD CONSTRAINT "run_kind_check"
  CHECK ("kind" IN ('connection-test', 'backup', 'verify', 'restore-plan', 'restore', 'retention', 'delete-backup', 'drill',
                    'mark', 'attach-repository', 'recovery-kit', 'collect'));
ALTER TABLE "run_event" ADD CONSTRAINT "run_event_level_check" CHECK ("level" IN ('debug', 'info', 'warn', 'error'));
ALTER TABLE "finding" ADD CONSTRAINT "finding_severity_check" CHECK ("severity" IN ('blocks-backup', 'risk', 'note'));

-- A final run has an end, and only a final one.
ALTER TABLE "run" ADD CONSTRAINT "run_finished_check"
  CHECK (("state" IN ('succeeded', 'failed', 'interrupted', 'cancelled')) = ("finished_at" IS NOT NULL));
ALTER TABLE "run" ADD CONSTRAINT "run_error_check"
  CHECK ("state" NOT IN ('failed', 'interrupted') OR "error_code" IS NOT NULL);
ALTER TABLE "run_event" ADD CONSTRAINT "run_event_seq_check" CHECK ("seq" > 0);

-- Retention rules that make sense (packages/policy checkRetentionPolicy says it in words first).
ALTER TABLE "policy" ADD CONSTRAINT "policy_numbers_check"
  CHECK (("keep_last" IS NULL OR "keep_last" >= 1) AND ("window_days" IS NULL OR "window_days" >= 1) AND "minimum" >= 0);

-- A hold has all three parts or none.
ALTER TABLE "backup" ADD CONSTRAINT "backup_hold_check" CHECK (num_nulls("hold_by", "hold_at", "hold_reason") IN (0, 3));

ALTER TABLE "finding" ADD CONSTRAINT "finding_subject_check"
  CHECK (("server_id" IS NULL OR "subject_id" = "server_id") AND ("repository_id" IS NULL OR "subject_id" = "repository_id"));

-- A lease's fence only grows: a holder that was paused must never pass for the present one.
CREATE FUNCTION "lease_fence_grows"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a lease row is never deleted: its fence must not start again';
  END IF;
  IF NEW.fence < OLD.fence THEN
    RAISE EXCEPTION 'the fence of lease % must not shrink', OLD.key;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "lease_fence_grows" BEFORE UPDATE OR DELETE ON "lease"
  FOR EACH ROW EXECUTE FUNCTION "lease_fence_grows"();

-- A final run stays as it ended.
CREATE FUNCTION "run_end_is_final"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state THEN
    RAISE EXCEPTION 'run % ended as % and cannot become %', OLD.id, OLD.state, NEW.state;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "run_end_is_final" BEFORE UPDATE OF "state" ON "run"
  FOR EACH ROW WHEN (OLD.finished_at IS NOT NULL) EXECUTE FUNCTION "run_end_is_final"();

-- The audit log is append-only.
CREATE FUNCTION "audit_event_is_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER "audit_event_is_append_only" BEFORE UPDATE OR DELETE ON "audit_event"
  FOR EACH ROW EXECUTE FUNCTION "audit_event_is_append_only"();
CREATE TRIGGER "audit_event_is_not_emptied" BEFORE TRUNCATE ON "audit_event"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_event_is_append_only"();
