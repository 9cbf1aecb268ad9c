-- Whether the store of a repository itself refuses a second object under a key, as a worker last tried; null: not tried yet.
ALTER TABLE "repository" ADD COLUMN "exclusive_create" BOOLEAN;
