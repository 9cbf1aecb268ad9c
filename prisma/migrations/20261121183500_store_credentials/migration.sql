-- What opens the object store of a repository, sealed for the workers; null where none is needed or the workers' own environment has it.
ALTER TABLE "repository" ADD COLUMN "sealed_store_credentials" TEXT;
