import { defineConfig } from "prisma/config";

/** For `prisma generate` and `prisma format` only; migrations go through scripts/create-migration.ts and `migrate`. */
export default defineConfig({ schema: "../../prisma/schema.prisma" });
