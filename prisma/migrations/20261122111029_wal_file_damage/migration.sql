-- CreateTable
CREATE TABLE "wal_file_damage" (
    "repository_id" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "system_identifier" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "damage" TEXT NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "wal_file_damage_pkey" PRIMARY KEY ("server_id","repository_id","system_identifier","name")
);

-- CreateIndex
CREATE INDEX "wal_file_damage_repository_id_idx" ON "wal_file_damage"("repository_id");

-- AddForeignKey
ALTER TABLE "wal_file_damage" ADD CONSTRAINT "wal_file_damage_repository_id_fkey" FOREIGN KEY ("repository_id") REFERENCES "repository"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "wal_file_damage" ADD CONSTRAINT "wal_file_damage_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "server"("id") ON DELETE CASCADE ON UPDATE CASCADE;
