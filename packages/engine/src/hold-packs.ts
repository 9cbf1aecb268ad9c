import type { ServerArea } from "@tidemark/repository";
import type { ActControl } from "./act.ts";

/**
 * Keeps every pack of the area until it is disposed of: no collection, whoever runs it, takes one away meanwhile. To be
 * made before the manifest is read. A repository that cannot be written to is read all the same, and the act says so: a
 * pack that goes meanwhile is missed then, and nothing is made up for it.
 */
export async function holdForReading(area: ServerArea, control: ActControl): Promise<AsyncDisposable> {
  const hold = await area.holdPacks("reader");
  if (hold.problem !== null) {
    const message = `the repository cannot be told that it is being read, so a collection elsewhere would not wait: ${hold.problem}`;
    control.emit({ kind: "log", level: "warning", message });
  }
  return hold;
}
