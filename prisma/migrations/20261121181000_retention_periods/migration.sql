-- AlterTable
ALTER TABLE "policy" ADD COLUMN     "daily" INTEGER,
ADD COLUMN     "monthly" INTEGER,
ADD COLUMN     "time_zone" TEXT NOT NULL DEFAULT 'UTC',
ADD COLUMN     "weekly" INTEGER,
ADD COLUMN     "yearly" INTEGER;

ALTER TABLE "policy" ADD CONSTRAINT "policy_periods_check" CHECK ("daily" >= 1 AND "weekly" >= 1 AND "monthly" >= 1 AND "yearly" >= 1);
