import { join } from "node:path";
import type { Row, RowContext } from "./row.ts";

/**
 * The physical limit: a plain copy of the data directory and back, no protocol, no consistency. Without pg_wal, of which a
 * backup takes a segment and the server keeps gigabytes.
 */
export function plainCopy({ cluster }: RowContext): Row {
  return {
    name: "cp -a",
    unavailable: null,
    prepare: ({ repository }) => [{ argv: ["mkdir", "-p", repository] }],
    step: (step, { repository, restoreTo }) => {
      const stored = join(repository, "full");
      if (step === "full") return { argv: ["sh", "-c", copyWithoutWal, "sh", cluster.dataDir, stored] };
      if (step === "restore-full") return { argv: ["cp", "-a", "--reflink=never", stored, restoreTo] };
      return null;
    },
  };
}

const copyWithoutWal =
  'mkdir "$2" && find "$1" -mindepth 1 -maxdepth 1 ! -name pg_wal -exec cp -a --reflink=never -t "$2" {} +';
