-- AlterTable
ALTER TABLE "wal_segment" ADD COLUMN     "damage" TEXT,
ADD COLUMN     "verified_at" TIMESTAMPTZ(3);

-- 0: no target, said on purpose. Null goes on meaning the usual.
ALTER TABLE "policy" DROP CONSTRAINT "policy_targets_check";
ALTER TABLE "policy" ADD CONSTRAINT "policy_targets_check"
  CHECK ("rpo_target_seconds" >= 0 AND "rto_target_seconds" >= 1 AND "proof_days" >= 0);
