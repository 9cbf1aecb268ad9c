-- AlterTable
ALTER TABLE "server" ADD COLUMN     "copy_to_id" TEXT;

-- CreateTable
CREATE TABLE "backup_copy" (
    "backup_id" TEXT NOT NULL,
    "repository_id" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "gone_at" TIMESTAMPTZ(3),

    CONSTRAINT "backup_copy_pkey" PRIMARY KEY ("backup_id","repository_id")
);

-- CreateIndex
CREATE INDEX "backup_copy_repository_id_idx" ON "backup_copy"("repository_id");

-- CreateIndex
CREATE INDEX "server_copy_to_id_idx" ON "server"("copy_to_id");

-- AddForeignKey
ALTER TABLE "server" ADD CONSTRAINT "server_copy_to_id_fkey" FOREIGN KEY ("copy_to_id") REFERENCES "repository"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "backup_copy" ADD CONSTRAINT "backup_copy_backup_id_fkey" FOREIGN KEY ("backup_id") REFERENCES "backup"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "backup_copy" ADD CONSTRAINT "backup_copy_repository_id_fkey" FOREIGN KEY ("repository_id") REFERENCES "repository"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- By hand from here on: what the schema cannot express.

-- A copy beside the original would be lost with it.
ALTER TABLE "server" ADD CONSTRAINT "server_copy_to_check" CHECK ("copy_to_id" <> "repository_id");

-- Wider than before, so that code of either age may write.
ALTER TABLE "run" DROP CONSTRAINT "run_kind_check";
ALTER TABLE "run" ADD CONSTRAINT "run_kind_check"
  CHECK ("kind" IN ('connection-test', 'backup', 'verify', 'restore-plan', 'restore', 'retention', 'delete-backup', 'drill',
                    'mark', 'attach-repository', 'recovery-kit', 'collect', 'inspect', 'server-act', 'copy', 'rebuild-catalog'));
