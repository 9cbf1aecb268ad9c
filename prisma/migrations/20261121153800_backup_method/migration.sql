-- AlterTable
ALTER TABLE "server" ADD COLUMN     "backup_method" TEXT NOT NULL DEFAULT 'stream';

ALTER TABLE "server" ADD CONSTRAINT "server_backup_method_check" CHECK ("backup_method" IN ('stream', 'read-files', 'local-files'));
