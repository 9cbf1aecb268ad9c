-- AlterTable
ALTER TABLE "backup" ADD COLUMN     "carried_bytes" BIGINT,
ADD COLUMN     "coverage" JSONB,
ADD COLUMN     "new_bytes" BIGINT,
ADD COLUMN     "places" JSONB,
ADD COLUMN     "reading" JSONB,
ADD COLUMN     "sent_bytes" BIGINT,
ADD COLUMN     "trust" JSONB,
ADD COLUMN     "zero_bytes" BIGINT;
