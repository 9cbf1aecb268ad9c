-- AlterTable
ALTER TABLE "repository" ADD COLUMN     "compression" TEXT NOT NULL DEFAULT 'zstd:1',
ADD COLUMN     "key_slots" JSONB;

-- By hand from here on: what the schema cannot express.

-- Wider than before, so that code of either age may write.
ALTER TABLE "run" DROP CONSTRAINT "run_kind_check";
ALTER TABLE "run" ADD CONSTRAINT "run_kind_check"
  CHECK ("kind" IN ('connection-test', 'backup', 'verify', 'restore-plan', 'restore', 'retention', 'delete-backup', 'drill',
                    'mark', 'attach-repository', 'recovery-kit', 'collect', 'inspect', 'server-act', 'copy', 'rebuild-catalog',
                    'repository-keys'));
