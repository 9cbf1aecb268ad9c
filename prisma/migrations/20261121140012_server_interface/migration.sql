-- AlterTable
ALTER TABLE "finding" ADD COLUMN     "read" TEXT,
ADD COLUMN     "recheckable" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "server_snapshot" (
    "server_id" TEXT NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,
    "document" JSONB NOT NULL,
    "checks" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "server_snapshot_pkey" PRIMARY KEY ("server_id")
);

-- CreateTable
CREATE TABLE "offline_period" (
    "id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "by" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "ended_by" TEXT,
    "missed" JSONB NOT NULL DEFAULT '[]',
    "missed_count" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "offline_period_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "offline_period_server_id_since_id_idx" ON "offline_period"("server_id", "since" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "offline_period_open_key" ON "offline_period"("server_id") WHERE (ended_at IS NULL);

-- AddForeignKey
ALTER TABLE "server_snapshot" ADD CONSTRAINT "server_snapshot_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "offline_period" ADD CONSTRAINT "offline_period_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what the schema cannot express.

-- Wider than before, so that code of either age may write.
ALTER TABLE "finding" DROP CONSTRAINT "finding_severity_check";
ALTER TABLE "finding" ADD CONSTRAINT "finding_severity_check"
  CHECK ("severity" IN ('blocks-backup', 'blocks-wal', 'risk', 'note'));
ALTER TABLE "run" DROP CONSTRAINT "run_kind_check";
ALTER TABLE "run" ADD CONSTRAINT "run_kind_check"
  CHECK ("kind" IN ('connection-test', 'backup', 'verify', 'restore-plan', 'restore', 'retention', 'delete-backup', 'drill',
                    'mark', 'attach-repository', 'recovery-kit', 'collect', 'inspect', 'server-act'));

-- An end has somebody who made it, and comes after the beginning.
ALTER TABLE "offline_period" ADD CONSTRAINT "offline_period_end_check"
  CHECK (("ended_at" IS NULL) = ("ended_by" IS NULL) AND ("ended_at" IS NULL OR "ended_at" >= "since"));
ALTER TABLE "offline_period" ADD CONSTRAINT "offline_period_missed_check"
  CHECK ("missed_count" >= 0 AND jsonb_array_length("missed") <= "missed_count");

-- Remedies written before they had their present parts: words are advice, and what is needed is one of two words.
UPDATE "finding" SET "remedy" = ("remedy" - 'settings') || jsonb_build_object('advice', "remedy" -> 'settings')
 WHERE "check_id" IN ('backup-failed', 'tls-not-required') AND "remedy" ? 'settings';
UPDATE "finding" SET "remedy" = "remedy" || '{"needs": "restart"}'
 WHERE "remedy" ->> 'needs' NOT IN ('reload', 'restart');
