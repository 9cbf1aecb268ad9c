import { describeError } from "@tidemark/kit";
import { readSettings } from "@tidemark/kit/settings";
import { migrate } from "@tidemark/metadata";
import { z } from "zod";

// For the many-machine form: `node apps/start/src/migrate-command.ts` makes or updates the schema of DATABASE_URL and ends.
try {
  const { values } = readSettings({ DATABASE_URL: z.string("must be given") }, process.env);
  const { applied } = await migrate(values.DATABASE_URL);
  process.stdout.write(
    applied.length === 0 ? "the metadata schema is up to date\n" : `applied ${applied.join(", ")}\n`,
  );
} catch (error) {
  const { code, message, hint } = describeError(error);
  process.stderr.write(`tidemark: ${message}${hint === null ? "" : `; ${hint}`} [${code}]\n`);
  process.exitCode = 1;
}
// The schema engine leaves a timer behind that would keep the process for ten seconds more (schema-engine-wasm 7.10).
process.stdout.write("", () => process.exit());
