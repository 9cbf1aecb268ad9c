import { AppError } from "@tidemark/kit";

export interface TablespaceOption {
  readonly from: string;
  readonly to: string;
}

/**
 * Collects `--tablespace OLD=NEW`. As with pg_basebackup's `--tablespace-mapping`, a backslash before `=` makes it
 * part of a path, and both paths are absolute.
 */
export function collectTablespace(text: string, previous: readonly TablespaceOption[]): readonly TablespaceOption[] {
  const match = /^((?:\\=|[^=])+)=((?:\\=|[^=])+)$/.exec(text);
  const from = match?.[1]?.replaceAll("\\=", "=");
  const to = match?.[2]?.replaceAll("\\=", "=");
  if (from === undefined || to === undefined || !from.startsWith("/") || !to.startsWith("/")) {
    throw new AppError("bad-request", {
      message: `--tablespace takes OLD=NEW with two absolute paths, not ${text}`,
      hint: "write \\= for an equal sign within a path",
    });
  }
  if (previous.some((mapping) => mapping.from === from)) {
    throw new AppError("bad-request", { message: `--tablespace maps ${from} twice` });
  }
  return [...previous, { from, to }];
}
