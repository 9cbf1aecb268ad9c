import { asNumber, JsonFields } from "../bytes/json-fields.ts";

/**
 * Pages that came again and differ from what the parent stored, although they are older than the parent and no WAL
 * names them: rot, or WAL that was missed. The backup that says so holds them as the server has them.
 */
export interface TrustFinding {
  readonly path: string;
  /** Numbers within the relation. */
  readonly blocks: readonly number[];
  /** Whose pages have the lower LSN: the parent's, the server's, or neither when they are equal. */
  readonly older: "stored" | "server" | "neither";
}

/** Null in manifests written before there was rolling trust, and of backups in which it took no part. */
export function trustFindingsFromJson(fields: JsonFields): readonly TrustFinding[] | null {
  if (fields.isNull("trustFindings")) return null;
  return fields.list("trustFindings", (item) => {
    const finding = new JsonFields(item);
    const older = finding.text("older");
    return {
      path: finding.text("path"),
      blocks: finding.list("blocks", asNumber),
      older: older === "stored" || older === "server" ? older : "neither",
    };
  });
}
