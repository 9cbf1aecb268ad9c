import { type PrivilegesResult, ServerSnapshotDocument } from "@tidemark/jobs";
import { maskSecrets } from "@tidemark/kit";
import { formatLsn, type Lsn, type ServerInspection } from "@tidemark/postgres";

/**
 * An inspection as its row keeps it: times in ISO, counts and sizes as decimal text, LSNs as PostgreSQL prints them.
 * Sections and fields have the same names on both sides but for those named here; the schema drops what it does not
 * know and refuses what is missing.
 */
export function snapshotDocument(inspection: ServerInspection, privileges: PrivilegesResult): ServerSnapshotDocument {
  const { info, validity, recovery } = inspection;
  const receiver = recovery?.receiver ?? null;
  const named = {
    ...inspection,
    info: { ...info, valid: validity.valid, invalidReasons: validity.reasons },
    // Every role may read these; one from which that was taken finds the reason among `unreadable`.
    extensions: inspection.extensions ?? [],
    tablespaces: inspection.tablespaces ?? [],
    synchronousStandbys: inspection.synchronousStandbys ?? { text: "", method: "none", count: 0, names: [] },
    recovery:
      recovery === null
        ? null
        : {
            ...recovery,
            receiverStatus: receiver?.status ?? null,
            senderHost: receiver?.senderHost ?? null,
            senderPort: receiver?.senderPort ?? null,
            slotName: receiver?.slotName ?? null,
          },
    privileges,
  };
  return ServerSnapshotDocument.parse(plain(named, ""));
}

function plain(value: unknown, name: string): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "bigint") return isLsn(name) ? formatLsn(value as Lsn) : String(value);
  // A command may hold a password; a row is kept and shown to every viewer.
  if (typeof value === "string") return maskSecrets(value);
  if (Array.isArray(value)) return value.map((one) => plain(one, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one, key)]));
}

function isLsn(name: string): boolean {
  return name === "lsn" || name.endsWith("Lsn");
}
