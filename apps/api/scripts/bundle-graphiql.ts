import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "vite";

/**
 * Bundles GraphiQL from npm into `generated/graphiql`, so that nothing of it comes from another host. Takes a while (its
 * editor is large), hence a stamp: the same inputs are not bundled twice.
 */
const here = import.meta.dirname;
const outDir = join(here, "..", "generated", "graphiql");
const stampFile = join(outDir, "built-from");
const stamp = stampOfInputs();

if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
  await build({
    root: here,
    base: "/graphiql/",
    logLevel: "error",
    configFile: false,
    build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: 8_000, sourcemap: false, reportCompressedSize: false },
  });
  writeFileSync(stampFile, stamp);
}

function stampOfInputs(): string {
  const hash = createHash("sha256");
  for (const name of ["index.html", "explorer.ts", "bundle-graphiql.ts"]) hash.update(readFileSync(join(here, name)));
  const manifest = createRequire(import.meta.url).resolve("graphiql/package.json");
  return hash.update(readFileSync(manifest)).digest("hex");
}
