import { asNumber, JsonFields } from "../bytes/json-fields.ts";

/**
 * Pages that were written behind a backup's start, by their own LSN, among those the server sent for it. Whoever lays an increment over
 * that backup finds each of them among what changed since its start, or the server's past is another than the backup's.
 */
export interface YoungPages {
  readonly files: readonly {
    readonly path: string;
    /** Runs: the first block, numbered within the file, and how many; the next run's, and so on. */
    readonly runs: readonly number[];
  }[];
  /** Whether these are all of them; a list is bounded. */
  readonly isWhole: boolean;
}

/** Null in manifests written before they were noted, and where nobody noted them. */
export function youngPagesFromJson(fields: JsonFields): YoungPages | null {
  if (fields.isNull("youngPages")) return null;
  const young = fields.object("youngPages");
  const files = young.list("files", (item) => {
    const file = new JsonFields(item);
    return { path: file.text("path"), runs: file.list("runs", asNumber) };
  });
  return { files, isWhole: young.boolean("isWhole") };
}
