import { join } from "node:path";
import type { Row, RowContext } from "./row.ts";

/** The physical limit: a plain copy of the data directory and back, no protocol, no consistency. */
export function plainCopy({ cluster }: RowContext): Row {
  return {
    name: "cp -a",
    unavailable: null,
    prepare: ({ repository }) => [{ argv: ["mkdir", "-p", repository] }],
    step: (step, { repository, restoreTo }) => {
      const stored = join(repository, "full");
      if (step === "full") return { argv: ["cp", "-a", "--reflink=never", cluster.dataDir, stored] };
      if (step === "restore-full") return { argv: ["cp", "-a", "--reflink=never", stored, restoreTo] };
      return null;
    },
  };
}
