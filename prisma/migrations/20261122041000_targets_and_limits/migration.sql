-- AlterTable
ALTER TABLE "policy" ADD COLUMN     "verify_days" INTEGER;

-- AlterTable
ALTER TABLE "server" ADD COLUMN     "copy_max_rate_kib" INTEGER;

ALTER TABLE "policy" ADD CONSTRAINT "policy_verify_days_check" CHECK ("verify_days" >= 1);
ALTER TABLE "server" ADD CONSTRAINT "server_copy_max_rate_check" CHECK ("copy_max_rate_kib" >= 32);
